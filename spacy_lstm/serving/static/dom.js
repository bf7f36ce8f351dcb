// Elements from data. Text only ever becomes text nodes: markup in it is shown, not followed.

/** An element with properties (`class`, `style` as CSS variables, attributes, listeners). */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "style") for (const [k, v] of Object.entries(value)) element.style.setProperty(k, v);
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** The same for a picture. */
export function svg(name, properties = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(properties)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Fill a select with [value, label] pairs; the value that is chosen afterwards. */
export function fill(select, options, chosen) {
  select.replaceChildren(...options.map(([value, label]) => h("option", { value }, label)));
  const values = options.map(([value]) => String(value));
  select.value = values.includes(String(chosen)) ? String(chosen) : values[0] ?? "";
  select.disabled = options.length < 2;
  return select.value;
}

/** White space that a label can show. */
export const visible = (text) => (text.trim() ? text : text.replace(/\n/g, "⏎").replace(/\s/g, "␣") || "∅");

export const percent = (share) => `${(100 * share).toFixed(0)}%`;

export const signed = (value, digits = 2) => {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : (value < 0 ? "−" : "+") + text;
};
