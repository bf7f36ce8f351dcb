// Clusters, links and the resolved text.

import { clusterColour } from "./colours.js";
import { drawArcs } from "./arcs.js";
import { h, percent } from "./dom.js";

/** Draw the answer of /api/resolve. */
export function drawLinks(view, answer) {
  // Offsets count code points, and strings here count UTF-16 units.
  const characters = Array.from(answer.text);
  const mentions = answer.clusters.flatMap((cluster, number) => cluster.map((span) => ({ ...span, number })));
  const key = ({ start, end }) => `${start}-${end}`;
  const colours = new Map(mentions.map((mention) => [key(mention), clusterColour(mention.number)]));
  const links = new Map(answer.links.map((link) => [key(link.anaphor), link]));
  const text = h("div", { class: "text mentions", dir: "auto" }, nest(characters, mentions, links));
  const resolved = h("div", { class: "text resolved", dir: "auto" }, markReplaced(answer, characters));
  view.replaceChildren(
    h("div", { class: "bounded" }, text),
    answer.links.length
      ? linkTable(answer.links, (span) => colours.get(key(span)) ?? clusterColour(0))
      : h("p", { class: "none" }, "No pronoun or name here refers to another."),
    h("h3", {}, "With the pronouns replaced", copyButton()),
    resolved,
  );
  drawArcs(text);
}

const copyButton = () =>
  h("button", { type: "button", class: "quiet small", "data-copy": "resolved" }, "Copy text");

/** The text with its mentions as elements in one another. One that overlaps another without lying
    in it is closed where the other ends, and opened again. */
function nest(characters, mentions, links) {
  const sorted = [...mentions].sort((a, b) => a.start - b.start || b.end - a.end);
  const bounds = [...new Set([0, characters.length, ...sorted.flatMap(({ start, end }) => [start, end])])];
  bounds.sort((a, b) => a - b);
  const root = document.createDocumentFragment();
  let open = [];
  const top = () => (open.length ? open[open.length - 1].element : root);
  for (let i = 0; i < bounds.length; i++) {
    const at = bounds[i];
    const first = open.findIndex(({ mention }) => mention.end <= at);
    const closed = first < 0 ? [] : open.splice(first);
    const opening = [
      ...closed.map(({ mention }) => mention).filter(({ end }) => end > at),
      ...sorted.filter(({ start, end }) => start === at && end > at),
    ];
    for (const mention of opening) {
      const element = mark(mention, mention.start === at, links);
      top().append(element);
      open.push({ mention, element });
    }
    if (i + 1 < bounds.length) top().append(characters.slice(at, bounds[i + 1]).join(""));
  }
  return root;
}

function mark(mention, starts, links) {
  const link = links.get(`${mention.start}-${mention.end}`);
  const antecedent = link && starts ? `${link.antecedent.start}-${link.antecedent.end}` : null;
  return h(
    "span",
    {
      class: "mention",
      style: { "--c": clusterColour(mention.number) },
      "data-span": starts ? `${mention.start}-${mention.end}` : null,
      "data-to": antecedent,
      title: antecedent ? `${link.antecedent.text}, ${percent(link.score)}` : null,
    },
    starts ? h("span", { class: "number" }, String(mention.number + 1)) : null,
  );
}

function linkTable(links, colourOf) {
  const rows = links.map(({ anaphor, antecedent, score }) =>
    h(
      "tr",
      { style: { "--c": colourOf(anaphor) } },
      h("td", {}, h("bdi", {}, anaphor.text)),
      h("td", { class: "arrow", "aria-label": "stands for" }, "→"),
      h("td", {}, h("bdi", {}, antecedent.text)),
      h("td", { class: "wide" }, h("span", { class: "bar" }, h("i", { style: { width: percent(score) } }))),
      h("td", { class: "figure" }, percent(score)),
    ),
  );
  const caption = h("caption", { class: "hidden" }, "Links with their probabilities");
  return h("div", { class: "listed" }, h("table", { class: "found" }, caption, h("tbody", {}, rows)));
}

/** The resolved text, with what is not as in the source marked. */
function markReplaced(answer, characters) {
  const resolved = Array.from(answer.resolved_text);
  return answer.resolved_offsets.map(([start, end, from, to]) => {
    const piece = resolved.slice(start, end).join("");
    const same = piece === characters.slice(from, to).join("");
    return same ? piece : h("mark", { title: characters.slice(from, to).join("") }, piece);
  });
}
