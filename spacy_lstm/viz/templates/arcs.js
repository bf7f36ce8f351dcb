// Draws the links as arcs over the text. Without it the notes under the anaphors say the same.
(() => {
  const root = document.currentScript && document.currentScript.closest(".spacy-lstm");
  if (!root) return;
  const text = root.querySelector(".text");
  const create = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
  const svg = create("svg");
  svg.setAttribute("class", "arcs");
  svg.setAttribute("aria-hidden", "true");

  const add = (kind, shape) => {
    const path = create("path");
    path.setAttribute("class", kind);
    path.setAttribute("d", shape);
    svg.append(path);
  };

  const draw = () => {
    svg.replaceChildren();
    const box = svg.getBoundingClientRect();
    const lineHeight = parseFloat(getComputedStyle(text).lineHeight);
    for (const anaphor of text.querySelectorAll("[data-to]")) {
      const antecedent = document.getElementById(anaphor.dataset.to);
      if (!antecedent) continue;
      const from = anaphor.getClientRects()[0], to = antecedent.getClientRects()[0];
      const sameLine = Math.abs(from.top - to.top) < from.height / 2;
      const below = !sameLine && to.top < from.top;
      const x1 = from.left + from.width / 2 - box.left, y1 = from.top - box.top - 1;
      const x2 = to.left + to.width / 2 - box.left + (x1 > to.left - box.left ? 4 : -4);
      const y2 = (below ? to.bottom + 6 : to.top - 5) - box.top;
      const rise = sameLine ? Math.min(24, 12 + Math.abs(x1 - x2) / 14) : Math.abs(y1 - y2) / 2;
      const turn = below ? y2 + rise : y2 - rise;
      const far = Math.abs(from.top - to.top) > 3.5 * lineHeight ? " far" : "";
      const kind = anaphor.dataset.cluster, tip = below ? -6 : 6;
      add(kind + far, `M${x1} ${y1}C${x1} ${y1 - rise} ${x2} ${turn} ${x2} ${y2}`);
      add(`head ${kind}`, `M${x2 - 3.5} ${y2}h7l-3.5 ${tip}z`);
    }
  };

  text.append(svg);
  root.classList.add("drawn");
  new ResizeObserver(draw).observe(text);
})();
