// A heat map with a row for each token, and a bar beside each row.

import { gradient, makeScale } from "./colours.js";
import { h, signed, visible } from "./dom.js";

const ROW = 23;

/**
 * Draw it anew in `view`.
 *
 * rows: tokens. columns: what a column is called, by number. values: by row, by column; null for
 * bars alone. names: short ones for the columns, if any. scale: {kind: "share" | "signed", max,
 * beyond}: where it ends, and whether values go on. selected: a row. bars: {heading, shares,
 * text(row)}. choose(row): called when a token is picked. name: of the whole, for screen readers.
 */
export function drawMatrix(view, drawing) {
  const { rows, values, bars, name } = drawing;
  // Whoever works with the keyboard goes on where they were.
  const focused = document.activeElement?.dataset?.row;
  const had = view.contains(document.activeElement) ? focused : undefined;
  const scrolled = view.querySelector(".matrix")?.scrollTop ?? 0;
  const labels = rows.map((row, i) => rowButton(drawing, row, i));
  const canvas = values ? makeCanvas(drawing) : null;
  const heads = [h("span", { class: "heading" }), ...(canvas ? [acrossHead(view, drawing)] : []), h("span", { class: "heading" }, bars.heading)];
  const matrix = h("div", { class: canvas ? "matrix" : "matrix only-bars", role: "group", "aria-label": name },
    ...heads,
    h("div", { class: "labels" }, labels),
    ...(canvas ? [h("div", { class: "cells" }, canvas)] : []),
    h("div", { class: "bars", "aria-hidden": "true" }, rows.map((_, i) => barRow(bars, i))),
  );
  const readout = h("output", { class: "readout" }, canvas ? "Point at a cell, or walk with the arrow keys." : "");
  view.replaceChildren(matrix, ...(canvas ? [h("div", { class: "legend" }, legend(drawing.scale), readout)] : []));
  matrix.scrollTop = scrolled;
  if (had !== undefined) labels[had]?.focus();
  if (canvas) watch(canvas, drawing, readout);
}

/** The columns' names, where there is room for them; else what they are. */
function acrossHead(view, { across, names }) {
  const room = names && view.clientWidth >= names.length * 24;
  if (!room) return h("span", { class: "heading" }, across);
  return h("span", { class: "heading columns", "aria-hidden": "true" }, names.map((name) => h("span", {}, name)));
}

function rowButton({ selected, bars, choose }, row, i) {
  const said = bars.said(i);
  return h("button", {
    type: "button", dir: "auto", "data-row": i, "aria-pressed": String(i === selected),
    "aria-label": `${visible(row.text)}${said ? `, ${said}` : ""}`, title: row.text, onclick: () => choose(i),
  }, visible(row.text));
}

const barRow = (bars, i) =>
  h("div", {}, h("span", { class: "bar" }, h("i", { style: { width: `${100 * Math.min(1, bars.shares[i])}%` } })), h("small", {}, bars.text(i)));

function makeCanvas({ rows, values, scale, selected, name }) {
  const canvas = h("canvas", { tabindex: "0", role: "application", "aria-roledescription": "heat map", "aria-label": `${name}: arrow keys read cell by cell` });
  const columns = values[0].length;
  // One pixel a cell, then stretched: the browser does that faster than any loop.
  canvas.width = columns;
  canvas.height = rows.length;
  canvas.style.setProperty("height", `${rows.length * ROW}px`);
  const colour = makeScale(scale.kind);
  const place = scale.kind === "share" ? (v) => v / scale.max : (v) => 0.5 + v / scale.max / 2;
  const image = new ImageData(columns, rows.length);
  values.forEach((row, i) => row.forEach((value, j) => image.data.set([...colour(place(value)), 255], 4 * (i * columns + j))));
  canvas.getContext("2d").putImageData(image, 0, 0);
  canvas.dataset.selected = selected;
  return canvas;
}

function legend({ kind, max, beyond }) {
  const low = kind === "share" ? "0" : `${beyond ? "≤ " : ""}${signed(-max)}`;
  const high = kind === "share" ? String(max) : `${beyond ? "≥ " : ""}${signed(max)}`;
  return h("span", { class: "scale-key" }, low, h("i", { style: { background: gradient(kind) } }), high);
}

/** Tell the cell under the pointer, or the one that the arrow keys have walked to. */
function watch(canvas, { rows, values, column, scale, choose }, readout) {
  const columns = values[0].length;
  const cursor = h("span", { class: "cursor", "aria-hidden": "true", hidden: true });
  canvas.parentElement.append(cursor);
  let at = [0, 0];
  const show = (i, j) => {
    at = [i, j];
    const figure = scale.kind === "share" ? values[i][j].toFixed(3) : signed(values[i][j], 3);
    readout.replaceChildren(h("bdi", {}, visible(rows[i].text)), `, ${column(j)}: `, h("strong", {}, figure));
    cursor.hidden = false;
    for (const [key, value] of Object.entries({ left: j / columns, width: 1 / columns })) cursor.style.setProperty(key, `${100 * value}%`);
    cursor.style.setProperty("top", `${i * ROW}px`);
    cursor.style.setProperty("height", `${ROW}px`);
  };
  const locate = (event) => {
    const box = canvas.getBoundingClientRect();
    const clamp = (value, size) => Math.min(size - 1, Math.max(0, Math.floor(value * size)));
    return [clamp((event.clientY - box.top) / box.height, rows.length), clamp((event.clientX - box.left) / box.width, columns)];
  };
  canvas.addEventListener("pointermove", (event) => show(...locate(event)));
  canvas.addEventListener("pointerleave", () => { cursor.hidden = true; });
  canvas.addEventListener("click", (event) => choose(locate(event)[0]));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (event.key === "Enter") choose(at[0]);
    if (!step) return;
    event.preventDefault();
    show(Math.min(rows.length - 1, Math.max(0, at[0] + step[0])), Math.min(columns - 1, Math.max(0, at[1] + step[1])));
  });
}
