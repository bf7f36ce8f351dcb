// The panels of the memory and of the attention, from an answer of /api/trace.

import { percent, visible } from "./dom.js";
import { drawMatrix } from "./matrix.js";

export const CHANNELS = {
  forget_gate: ["Forget gate f", "How much of the memory each step keeps: 0 drops it, 1 keeps all."],
  input_gate: ["Input gate i", "How much of the candidate is written into the memory: 0 nothing, 1 all."],
  output_gate: ["Output gate o", "How much of the memory shows in the hidden state."],
  candidate: ["Candidate c̃", "What could be written into the memory at this step."],
  cell_state: ["Cell state C", "The memory itself, after each token."],
  hidden_state: ["Hidden state h", "What the layer gives out, after each token."],
  reset_gate: ["Reset gate r", "How much of the last state the candidate sees."],
  update_gate: ["Update gate z", "How much of the last state stays: 0 drops it, 1 keeps all."],
};

export const ORDERS = {
  alike: "alike side by side",
  change: "by change",
  trained: "as trained",
};

const ATTENTIONS = {
  encoder: ["Encoder", "Where each token looks, over the tokens around it."],
  heads: ["Grammatical heads", "Which word each token takes for the one that governs it."],
  pooling: ["Pooling", "How much of each token goes into the text's vector."],
  pooling_max: ["Strongest features", "The share of features in which each token is the strongest."],
};

export const attentionName = (name) => ATTENTIONS[name]?.[0] ?? name;
export const attentionMeaning = (name) => ATTENTIONS[name]?.[1] ?? "";

const isGate = (channel) => channel.endsWith("_gate");

/** The heat map of a channel, and how much of each token's memory is left at the chosen one. */
export function drawMemory(view, answer, order, choose) {
  const { gates, survival, tokens } = answer;
  const ranks = rank(gates.values, order);
  const values = gates.values.map((row) => ranks.map((unit) => row[unit]));
  const share = isGate(gates.channel);
  const scale = share ? { kind: "share", max: 1 } : { kind: "signed", ...reach(values) };
  const there = survival ? visible(tokens[survival.token].text) : "";
  const left = survival?.left ?? tokens.map(() => 0);
  drawMatrix(view, {
    name: `${CHANNELS[gates.channel]?.[0] ?? gates.channel} of ${gates.units} units over ${tokens.length} tokens`,
    rows: tokens,
    across: `${gates.units} units`,
    values,
    scale,
    column: (j) => `unit ${ranks[j]}`,
    selected: survival?.token,
    choose,
    bars: {
      heading: survival ? `kept until ${there}` : "",
      shares: left,
      text: (i) => (left[i] > 0.0005 ? percent(left[i]) : ""),
      said: (i) => (survival ? `${percent(left[i])} of the memory kept until ${there}` : ""),
    },
  });
}

/** Where the scale of states ends: a few that count up over a long text must not pale the rest. */
function reach(values) {
  const sizes = values.flat().map(Math.abs).sort((a, b) => a - b);
  const most = sizes[Math.floor(0.97 * (sizes.length - 1))];
  const max = Math.max(0.1, Math.ceil(most * 10) / 10);
  return { max, beyond: sizes[sizes.length - 1] > max };
}

/** Units in the order in which they are shown. */
function rank(values, order) {
  const units = values[0].map((_, j) => j);
  if (order === "trained") return units;
  const column = (j) => values.map((row) => row[j]);
  const spread = (j) => Math.max(...column(j)) - Math.min(...column(j));
  const scores = order === "change" ? units.map((j) => -spread(j)) : angles(units.map(column));
  return units.sort((a, b) => scores[a] - scores[b]);
}

/** Each unit's direction in the plane in which the units differ most (their two first principal
    components), so that what moves alike stands side by side. */
function angles(columns) {
  const centred = columns.map((column) => {
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    return column.map((value) => value - mean);
  });
  const first = mainDirection(centred);
  const rest = centred.map((column) => minus(column, first, dot(column, first)));
  const second = mainDirection(rest);
  return centred.map((column) => Math.atan2(dot(column, second), dot(column, first)));
}

/** By power iteration; a fixed start, so that a text always looks the same. */
function mainDirection(columns) {
  let direction = columns[0].map((_, i) => 1 / (i + 2));
  for (let step = 0; step < 40; step++) {
    const shares = columns.map((column) => dot(column, direction));
    const next = direction.map((_, i) => columns.reduce((sum, column, j) => sum + shares[j] * column[i], 0));
    const length = Math.sqrt(dot(next, next));
    if (length < 1e-12) break;
    direction = next.map((value) => value / length);
  }
  return direction;
}

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const minus = (a, b, times) => a.map((value, i) => value - times * b[i]);

/** Where a token, or the text as a whole, looks. */
export function drawAttention(view, answer, token, choose) {
  const { attention, tokens } = answer;
  const ofText = attention.weights.length !== tokens.length || attention.name.startsWith("pooling");
  const weights = attention.weights[ofText ? 0 : token];
  const largest = Math.max(...attention.weights.map((row) => Math.max(...row)), 1e-6);
  const top = Math.max(...weights, 1e-6);
  drawMatrix(view, {
    name: `${attentionName(attention.name)} attention over ${tokens.length} tokens`,
    rows: tokens,
    across: "tokens that are looked at, from the first to the last",
    names: tokens.map(({ text }) => visible(text)),
    values: ofText ? null : attention.weights,
    scale: { kind: "share", max: Math.ceil(largest * 20) / 20 },
    column: (j) => `looks at ${visible(tokens[j].text)}`,
    selected: ofText ? undefined : token,
    choose,
    bars: {
      heading: ofText ? "the text" : `from ${visible(tokens[token].text)}`,
      shares: weights.map((weight) => weight / top),
      text: (i) => (weights[i] > 0.0005 ? percent(weights[i]) : ""),
      said: (i) => `${percent(weights[i])} of the look from ${ofText ? "the text" : visible(tokens[token].text)}`,
    },
  });
}
