// Labels, the tokens that decided, what is said of whom, and how it went as it was read.

import { h, percent, signed, svg, visible } from "./dom.js";

const TONES = { POSITIVE: "positive", VERY_POSITIVE: "positive", NEGATIVE: "negative", VERY_NEGATIVE: "negative" };
const toneOf = (value) => (value > 0 ? "positive" : value < 0 ? "negative" : "neutral");

/** Draw the answer of /api/sentiment; the element in which `drawRunning` draws. */
export function drawSentiment(view, answer) {
  const running = h("figure", { class: "running" });
  view.replaceChildren(
    score(answer),
    cats(answer.cats),
    h("div", { class: "text weighed", dir: "auto" }, weigh(answer)),
    h("p", { class: "key" },
      h("span", { class: "token positive", style: { "--a": ".5", "--edge": "1" } }, "solid"), " speaks for positive, ",
      h("span", { class: "token negative", style: { "--a": ".5", "--edge": "1" } }, "dotted"), " for negative"),
    running,
  );
  return running;
}

function score(answer) {
  const place = `${50 + 50 * answer.sentiment}%`;
  return h(
    "div",
    { class: `score ${toneOf(Math.round(answer.sentiment * 100))}` },
    h("strong", {}, signed(answer.sentiment)),
    h("span", { class: "label" }, answer.label.toLowerCase().replaceAll("_", " ")),
    h("span", { class: "scale", "aria-hidden": "true" }, h("i", { style: { left: place } })),
  );
}

function cats(shares) {
  const rows = Object.entries(shares).map(([label, share]) =>
    h("tr", { class: TONES[label] ?? "neutral" },
      h("td", {}, label.toLowerCase().replaceAll("_", " ")),
      h("td", { class: "wide" }, h("span", { class: "bar" }, h("i", { style: { width: percent(share) } }))),
      h("td", { class: "figure" }, percent(share))),
  );
  return h("table", { class: "found" }, h("caption", { class: "hidden" }, "Probabilities of the labels"), h("tbody", {}, rows));
}

function weigh(answer) {
  const characters = Array.from(answer.text);
  const largest = Math.max(...answer.tokens.map(({ weight }) => Math.abs(weight)), 1e-9);
  let at = 0;
  const pieces = answer.tokens.flatMap(({ start, end, weight, text }) => {
    const space = characters.slice(at, start).join("");
    at = end;
    const strength = Math.abs(weight) / largest;
    const style = { "--a": (strength / 2).toFixed(3), "--edge": strength.toFixed(3) };
    return [space, h("span", { class: `token ${toneOf(weight)}`, style, title: signed(weight, 3) }, text)];
  });
  return [...pieces, characters.slice(at).join("")];
}

/** Draw its entities; whether there are any. */
export function drawOpinions(view, { entities }) {
  const rows = entities.map(({ name, mentions, sentiment }) =>
    h("tr", { class: toneOf(Math.round(sentiment * 100)) },
      h("td", {}, h("bdi", {}, name), mentions.length > 1 ? h("small", {}, ` ${mentions.length}×`) : ""),
      h("td", { class: "wide" }, h("span", { class: "bar both" },
        h("i", { style: { width: `${50 * Math.abs(sentiment)}%`, left: `${sentiment < 0 ? 50 + 50 * sentiment : 50}%` } }))),
      h("td", { class: "figure" }, signed(sentiment))),
  );
  const caption = h("caption", { class: "hidden" }, "Sentiment about each person and thing");
  view.replaceChildren(h("div", { class: "listed" }, h("table", { class: "found" }, caption, h("tbody", {}, rows))));
  return entities.length > 0;
}

const WIDTH = 480, HEIGHT = 112, EDGE = 10, LEFT = 34;

/** A curve of the score after each token, as if the text ended there. */
export function drawRunning(figure, tokens, scores) {
  const x = (i) => LEFT + (i * (WIDTH - LEFT - EDGE)) / Math.max(1, scores.length - 1);
  const y = (score) => HEIGHT / 2 - score * (HEIGHT / 2 - EDGE);
  const points = scores.map((score, i) => `${x(i).toFixed(1)} ${y(score).toFixed(1)}`);
  const dots = scores.map((score, i) =>
    svg("circle", { class: toneOf(Math.round(score * 10)), cx: x(i), cy: y(score), r: scores.length > 40 ? 2.2 : 3.4 },
      svg("title", {}, `… ${visible(tokens[i].text)}: ${signed(score)}`)),
  );
  const jump = findJump(scores);
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": describe(tokens, scores, jump) },
    ...[-1, 0, 1].flatMap((tick) => [
      svg("line", { class: "grid", x1: LEFT - 8, x2: WIDTH, y1: y(tick), y2: y(tick) }),
      svg("text", { x: LEFT - 12, y: y(tick) + 3.5 }, tick ? signed(tick, 0) : "0"),
    ]),
    svg("polyline", { points: points.join(",") }),
    ...dots,
  );
  const change = jump === null ? [] : [" The largest step: ", h("bdi", { class: "said" }, visible(tokens[jump].text)), "."];
  figure.replaceChildren(picture, h("figcaption", {}, "The score as the text is read, word by word.", ...change));
}

/** Where it changes most; null where it hardly does. */
function findJump(scores) {
  const steps = scores.map((score, i) => Math.abs(score - (i ? scores[i - 1] : 0)));
  const largest = Math.max(...steps);
  return largest > 0.3 ? steps.indexOf(largest) : null;
}

const describe = (tokens, scores, jump) =>
  `Score after each of ${tokens.length} tokens, from ${signed(scores[0])} to ${signed(scores[scores.length - 1])}` +
  (jump === null ? "" : `, with the largest step at ${tokens[jump].text}`);
