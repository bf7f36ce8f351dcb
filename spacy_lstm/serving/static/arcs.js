// The links as arcs over the text. The table beside it says the same.

import { svg } from "./dom.js";

/** Draw them, and again whenever the text's box changes. */
export function drawArcs(text) {
  const picture = svg("svg", { class: "arcs", "aria-hidden": "true" });
  text.append(picture);
  const observer = new ResizeObserver(() => {
    // It also hears that another text has taken the place, or that the panel is hidden.
    if (!text.isConnected) observer.disconnect();
    if (!text.getClientRects().length) return;
    const box = picture.getBoundingClientRect();
    const paths = [...text.querySelectorAll("[data-to]")].flatMap((anaphor) => {
      const antecedent = text.querySelector(`[data-span="${anaphor.dataset.to}"]`);
      return antecedent ? arc(anaphor, antecedent, box) : [];
    });
    picture.replaceChildren(...paths);
  });
  observer.observe(text);
}

function arc(anaphor, antecedent, box) {
  const from = anaphor.getClientRects()[0], to = antecedent.getClientRects()[0];
  const sameLine = Math.abs(from.top - to.top) < from.height / 2;
  const below = !sameLine && to.top < from.top;
  const x1 = from.left + from.width / 2 - box.left, y1 = from.top - box.top - 1;
  const x2 = to.left + to.width / 2 - box.left + (from.left > to.left ? 4 : -4);
  const y2 = (below ? to.bottom + 6 : to.top - 6) - box.top;
  const rise = sameLine ? Math.min(26, 13 + Math.abs(x1 - x2) / 14) : Math.abs(y1 - y2) / 2;
  const turn = below ? y2 + rise : y2 - rise;
  const tip = below ? -6 : 6;
  const colour = anaphor.style.getPropertyValue("--c");
  const paths = [
    svg("path", { class: "line", d: `M${x1} ${y1}C${x1} ${y1 - rise} ${x2} ${turn} ${x2} ${y2}` }),
    svg("path", { class: "head", d: `M${x2 - 3.5} ${y2}h7l-3.5 ${tip}z` }),
  ];
  paths.forEach((path) => path.style.setProperty("--c", colour));
  return paths;
}
