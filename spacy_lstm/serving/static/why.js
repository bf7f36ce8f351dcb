// Why a pronoun has its antecedent, and why the text its sentiment, from an answer of /api/explain.

import { h, percent, signed, visible } from "./dom.js";

const METHODS = {
  leave_one_out: "how far the log odds fall without a word",
  gradient_x_input: "the slope of the log odds in a word, quicker and less faithful, as the text is long",
  integrated_gradients: "the slope of the log odds in a word, on the way from an empty one",
};
const SENTIMENT = "sentiment";
const NEGATIVE = ["NEGATIVE", "VERY_NEGATIVE"];
const REMARKS = { chosen: "chosen", ruled: "ruled out: its cluster is of another gender or number" };
const TOP = 6; // words and features that are listed
const LEAST = 0.05; // features that brought less are told together

/** What can be explained, as [value, label] pairs. */
export function listAnswers({ links, sentiment }) {
  const pronouns = (links?.explained ?? []).map(({ anaphor, antecedent, score }, i) =>
    [String(i), `${short(anaphor.text)} → ${short(antecedent.text)}, ${percent(score)}`]);
  const label = sentiment && `${spell(sentiment.label)}, ${percent(sentiment.probability)}`;
  return sentiment ? [...pronouns, [SENTIMENT, label]] : pronouns;
}

/** What the shares of an answer are. */
export function whyMeaning(answer, chosen) {
  const { method } = chosen === SENTIMENT ? answer.sentiment : answer.links;
  return `What spoke for this answer and what against it, in log odds: +1 makes it 2.7 times as likely. Words: ${METHODS[method] ?? method}.`;
}

/** Draw the explanation of one answer. */
export function drawWhy(view, answer, chosen) {
  if (chosen === SENTIMENT) return drawLabel(view, answer);
  const link = answer.links.explained[Number(chosen)];
  const later = link.decided_by.start !== link.anaphor.start;
  view.replaceChildren(
    ...(later ? [h("p", { class: "none" }, "“", h("bdi", {}, visible(link.decided_by.text)), "” stands later and led back to it: its decision is shown.")] : []),
    h("div", { class: "text weighed", dir: "auto" }, weigh(answer.text, answer.links.tokens, link.words, rolesOf(link))),
    h("p", { class: "key" },
      ...[["anaphor", "the pronoun"], ["chosen", "its cluster"], ["rival", "other candidates"]].map(([role, name]) =>
        h("span", { class: `part ${role} opens closes` }, name)),
      tone(false, "speaks for it"), tone(true, "against it")),
    h("div", { class: "reasons" },
      table("Candidates", candidateRows(link)),
      table("Words that decided", wordRows(answer.links.tokens, link.words)),
      table("Features that decided", featureRows(link))),
  );
  const text = view.querySelector(".weighed"), pronoun = text.querySelector(".anaphor");
  text.scrollTop = pronoun.offsetTop - text.offsetTop - text.clientHeight / 2;
}

function drawLabel(view, { text, sentiment }) {
  const turned = NEGATIVE.includes(sentiment.label);
  const cats = Object.entries(sentiment.cats).map(([label, share]) =>
    shareRow(spell(label), share, label === sentiment.label ? "chosen" : ""));
  const classes = turned ? "turned" : "";
  view.replaceChildren(
    h("div", { class: `text weighed ${classes}`, dir: "auto" }, weigh(text, sentiment.tokens, sentiment.words, [])),
    h("p", { class: "key" }, tone(turned, `speaks for ${spell(sentiment.label)}`), tone(!turned, "against it")),
    h("div", { class: `reasons ${classes}` },
      table("Labels", cats),
      table("Words that decided", wordRows(sentiment.tokens, sentiment.words))),
  );
}

const short = (text) => (visible(text).length > 28 ? `${visible(text).slice(0, 27)}…` : visible(text));
const side = (share) => (share > 0 ? "for" : "against");
const spell = (label) => label.toLowerCase().replaceAll("_", " ");
const tone = (against, meaning) => h("span", {},
  h("span", { class: `token ${against ? "negative" : "positive"}`, style: { "--a": ".5", "--edge": "1" } }, against ? "dotted" : "solid"), ` ${meaning}`);

/** Which characters belong to the mentions that are spoken of; later ones lie over earlier ones. */
function rolesOf({ anaphor, antecedent, candidates }) {
  const rivals = candidates.filter(({ chosen }) => !chosen), joined = candidates.filter(({ chosen }) => chosen);
  const all = [["rival", rivals], ["chosen", [antecedent, ...joined]], ["anaphor", [anaphor]]];
  return all.flatMap(([role, spans]) => spans.map(({ start, end }) => ({ role, start, end })));
}

/** The text with each token as strongly tinted as it weighs, and the mentions framed. */
function weigh(text, tokens, shares, roles) {
  const characters = Array.from(text), largest = largestOf(shares);
  const bounds = new Set(roles.flatMap(({ start, end }) => [start, end]));
  let at = 0;
  const pieces = tokens.flatMap(({ start, end, text: word }, i) => {
    const space = characters.slice(at, start).join("");
    at = end;
    const strength = Math.abs(shares[i]) / largest;
    const style = { "--a": (strength / 2).toFixed(3), "--edge": strength.toFixed(3) };
    const token = h("span", { class: `token ${side(shares[i])}`, style, title: signed(shares[i]) }, word);
    const role = roles.findLast((each) => each.start <= start && end <= each.end)?.role;
    if (!role) return [space, token];
    const classes = ["part", role, bounds.has(start) ? "opens" : "", bounds.has(end) ? "closes" : ""];
    // Within a mention the space is framed, too.
    const part = h("span", { class: classes.join(" ").trim() }, ...(bounds.has(start) ? [] : [space]), token);
    return bounds.has(start) ? [space, part] : [part];
  });
  return [...pieces, characters.slice(at).join("")];
}

const largestOf = (shares) => Math.max(...shares.map(Math.abs), 1e-9);

function table(caption, rows) {
  return h("table", { class: "found" }, h("caption", {}, caption), h("tbody", {}, rows));
}

/** kind: "chosen", "ruled" or nothing. */
function shareRow(name, share, kind = "") {
  return h("tr", { class: kind },
    h("td", {}, h("bdi", {}, name), kind ? h("small", {}, ` ${REMARKS[kind]}`) : null),
    h("td", { class: "wide" }, h("span", { class: "bar" }, h("i", { style: { width: percent(share) } }))),
    h("td", { class: "figure" }, percent(share)));
}

function candidateRows({ candidates, none }) {
  const rows = candidates.map(({ text, probability, chosen, ruled_out: ruled }) =>
    shareRow(visible(text), probability, chosen ? "chosen" : ruled ? "ruled" : ""));
  const rest = 1 - none - candidates.reduce((sum, { probability }) => sum + probability, 0);
  return [...rows, shareRow("none of them", none), ...(rest >= 0.005 ? [shareRow("all others", rest)] : [])];
}

function weighedRow(name, note, share, largest) {
  const width = `${(50 * Math.abs(share)) / largest}%`;
  return h("tr", { class: side(share) },
    h("td", {}, h("bdi", {}, name), note ? h("small", {}, note) : null),
    h("td", { class: "wide" }, h("span", { class: "bar both" },
      h("i", { style: { width, [share > 0 ? "left" : "right"]: "50%" } }))),
    h("td", { class: "figure" }, signed(share)));
}

function wordRows(tokens, shares) {
  const order = shares.map((_, i) => i).filter((i) => shares[i] && tokens[i].text.trim());
  order.sort((a, b) => Math.abs(shares[b]) - Math.abs(shares[a]));
  return order.slice(0, TOP).map((i) => weighedRow(visible(tokens[i].text), "", shares[i], largestOf(shares)));
}

function featureRows({ features, without_features: rest, log_odds: total }) {
  const top = features.slice(0, TOP).filter(({ share }) => Math.abs(share) >= LEAST);
  const others = features.slice(top.length), sum = others.reduce((all, { share }) => all + share, 0);
  const largest = largestOf([...top.map(({ share }) => share), sum, rest]);
  return [
    ...top.map(({ name, value, share }) => weighedRow(name, value, share, largest)),
    ...(others.length ? [weighedRow(others.length > 1 ? `${others.length} other features` : "1 other feature", "", sum, largest)] : []),
    weighedRow("the mentions themselves", "as read in their context", rest, largest),
    h("tr", { class: "sum" }, h("td", {}, "together"), h("td", {}), h("td", { class: "figure" }, signed(total))),
  ];
}
