// The page: what is chosen, what is asked, and who draws the answers.

import { readAddress, writeAddress } from "./address.js";
import { listModels, post } from "./api.js";
import { copy } from "./copying.js";
import { fill, h } from "./dom.js";
import { EXAMPLES, LANGUAGES } from "./examples.js";
import { attentionMeaning, attentionName, CHANNELS, drawAttention, drawMemory, ORDERS } from "./inside.js";
import { drawLinks } from "./links.js";
import { drawOpinions, drawRunning, drawSentiment } from "./sentiment.js";
import { drawWhy, listAnswers, whyMeaning } from "./why.js";

const PAUSE = 300; // ms without a key before a text is read
const MOST_HEADS = 16; // more than these are told by their mean alone

const byId = (id) => document.getElementById(id);
const panels = Object.fromEntries(["links", "sentiment", "opinions", "memory", "why", "attention"].map((id) => [id, byId(id)]));
const view = (panel) => panels[panel].querySelector(".view");
const control = (name) => document.querySelector(`.controls [name="${name}"]`);

let state = {};
let served = { models: [], limits: {} };
let answers = {};
let tokens = [];
let asking = new AbortController();
let pause;
let awaited = null; // the signal of a reading whose answers are not explained yet
let turn = 0; // of looking inside: an answer that another has overtaken is not drawn

const model = () => served.models.find(({ name }) => name === state.model) ?? served.models[0];
const component = () => model().components.find(({ name }) => name === state.component);
const layer = () => component().layers.find((each) => layerKey(each) === state.layer);
const layerKey = ({ layer, direction }) => `${layer}-${direction}`;

// -- what can be chosen ---------------------------------------------------------------------

/** Fill the selects with what the model has, keep what fits of the state, and drop the rest. */
function offer() {
  state.model = fill(byId("model"), served.models.map(({ name, lang }) => [name, `${name} (${LANGUAGES[lang] ?? lang})`]), state.model);
  byId("text").lang = model().lang;
  const { components, resolves, classifies } = model();
  panels.links.hidden = !resolves;
  panels.sentiment.hidden = !classifies;
  panels.why.hidden = !(resolves || classifies);
  panels.memory.hidden = !components.length;
  const attentions = components.flatMap((each) => each.attention.map((one) => ({ ...one, component: each.name })));
  panels.attention.hidden = !attentions.length;
  if (!components.length) return;
  state.component = fill(control("component"), components.map(({ name }) => [name, name]), state.component);
  state.layer = fill(control("layer"), component().layers.map((each) => [layerKey(each), `${each.layer + 1}, ${each.direction}`]), state.layer);
  const channels = layer().channels;
  state.channel = fill(control("channel"), channels.map((name) => [name, CHANNELS[name]?.[0] ?? name]), state.channel);
  state.order = fill(control("order"), Object.entries(ORDERS), state.order);
  panels.memory.querySelector(".meaning").textContent = CHANNELS[state.channel]?.[1] ?? "";
  if (!attentions.length) return;
  const keys = attentions.map((one) => [`${one.component}.${one.name}`, `${attentionName(one.name)} (${one.component})`]);
  state.attention = fill(control("attention"), keys, state.attention);
  const { name, heads } = attentions[keys.findIndex(([key]) => key === state.attention)];
  const single = heads > 1 && heads <= MOST_HEADS ? Array.from({ length: heads }, (_, i) => [i, `${i + 1} of ${heads}`]) : [];
  state.head = fill(control("head"), [["", heads > 1 ? `mean of ${heads}` : "the only one"], ...single], state.head);
  panels.attention.querySelector(".meaning").textContent = attentionMeaning(name);
}

function offerExamples() {
  const groups = Object.keys(LANGUAGES).map((lang) => {
    const loaded = served.models.some((each) => each.lang === lang);
    const buttons = EXAMPLES.filter((example) => example.lang === lang).map((example) =>
      h("button", { type: "button", lang, title: example.text, onclick: () => choose(example) }, example.label));
    const missing = h("small", {}, `no model for ${lang} is loaded: `, h("code", {}, "spacy-lstm serve --model FOLDER"));
    return h("div", {}, h("span", { lang, class: "language" }, LANGUAGES[lang]), ...(loaded ? buttons : [missing]));
  });
  byId("examples").replaceChildren(...groups);
}

function choose({ text, lang }) {
  const fitting = model().lang === lang ? model() : served.models.find((each) => each.lang === lang);
  Object.assign(state, { text, model: fitting.name, token: null, why: null });
  byId("text").value = text;
  offer();
  read();
}

// -- asking and drawing ---------------------------------------------------------------------

/** Read the text anew; what was still being asked is given up. */
async function read() {
  clearTimeout(pause);
  asking.abort();
  asking = new AbortController();
  awaited = null;
  writeAddress(state);
  fit(byId("text"));
  const { signal } = asking;
  const text = state.text ?? "";
  byId("panels").classList.toggle("empty", !text.trim());
  if (!text.trim()) return say("Type a text, or click an example.");
  const length = Array.from(text).length;
  if (length > served.limits.max_chars) {
    return complain(new Error(`${length} characters: this server reads up to ${served.limits.max_chars} at once.`));
  }
  const start = performance.now();
  byId("panels").setAttribute("aria-busy", "true");
  const asked = { text, model: state.model };
  try {
    const [resolved, classified] = await Promise.all([
      model().resolves ? post("resolve", asked, signal) : null,
      model().classifies ? post("sentiment", asked, signal) : null,
    ]);
    answers = { resolve: resolved, sentiment: classified };
    if (resolved) drawLinks(view("links"), resolved);
    const running = classified && drawSentiment(view("sentiment"), classified);
    panels.opinions.hidden = !(classified && drawOpinions(view("opinions"), classified));
    await lookInside(signal);
    say(`${tokens.length} tokens, read in ${Math.round(performance.now() - start)} ms`);
    if (running) await readAlong(running, classified.tokens, signal);
    awaited = signal;
    await lookWhy();
  } catch (error) {
    complain(error);
  } finally {
    if (!signal.aborted) byId("panels").removeAttribute("aria-busy");
  }
}

/** The panels that show the encoder; each says for itself what it cannot show. */
async function lookInside(signal) {
  const mine = (turn += 1);
  const current = () => mine === turn;
  if (!model().components.length) {
    tokens = answers.sentiment?.tokens ?? [];
    return;
  }
  try {
    if (answers.sentiment) tokens = answers.sentiment.tokens;
    else tokens = (await trace({ channel: null, component: state.component }, signal)).tokens;
    const most = served.limits.max_tokens;
    if (tokens.length > most) throw new Error(`${tokens.length} tokens: this shows texts of up to ${most}.`);
    await Promise.all([lookAtMemory(signal, current), lookAtAttention(signal, current)]);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (!current()) return;
    for (const panel of ["memory", "attention"]) view(panel).replaceChildren(h("p", { class: "none" }, error.message));
  }
}

const trace = (part, signal) => post("trace", { text: state.text, model: state.model, ...part }, signal);

/** The token that is looked at: the chosen one, or the first that refers to another, or the last
    word. */
function chosenToken() {
  const chosen = parseInt(state.token, 10);
  if (chosen >= 0 && chosen < tokens.length) return chosen;
  const later = answers.resolve?.links.find(({ anaphor, antecedent }) => antecedent.start < anaphor.start);
  const found = later ? tokens.findIndex(({ start }) => start === later.anaphor.start) : -1;
  return found >= 0 ? found : Math.max(0, tokens.findLastIndex(({ text }) => /[\p{L}\p{N}]/u.test(text)));
}

async function lookAtMemory(signal, current) {
  const { cell, layer: number, direction } = layer();
  const answer = await trace(
    {
      component: state.component, layer: number, direction, channel: state.channel,
      token: cell === "rnn" ? null : chosenToken(),
    },
    signal,
  );
  if (current()) drawMemory(view("memory"), answer, state.order, pick);
}

async function lookAtAttention(signal, current) {
  if (panels.attention.hidden) return;
  const [, owner, name] = state.attention.match(/^(.*)\.([^.]*)$/);
  const head = state.head === "" ? null : Number(state.head);
  const answer = await trace({ component: owner, channel: null, attention: name, head }, signal);
  if (current()) drawAttention(view("attention"), answer, chosenToken(), pick);
}

function pick(token) {
  state.token = token;
  settle();
}

/** Ask only for what a changed setting shows. */
async function settle() {
  writeAddress(state);
  if (!state.text?.trim()) return;
  try {
    await lookInside(asking.signal);
  } catch (error) {
    complain(error);
  }
}

/** The score after each token: the beginnings of the text, in one request. */
async function readAlong(figure, read, signal) {
  const { max_texts: allowed, max_chars: room } = served.limits;
  const characters = Array.from(state.text);
  // Of a long text only every so many tokens, and always the last: together they have to fit.
  const most = Math.min(allowed, Math.floor((2 * room) / characters.length) - 1);
  const every = Math.ceil(read.length / most);
  const shown = read.filter((_, i) => (read.length - 1 - i) % every === 0);
  if (most < 2 || shown.length < 2) return;
  const texts = shown.map(({ end }) => characters.slice(0, end).join(""));
  try {
    const { results } = await post("sentiment", { texts, model: state.model }, signal);
    drawRunning(figure, shown, results.map(({ sentiment }) => sentiment));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    figure.replaceChildren(h("figcaption", {}, error.message));
  }
}

/** What the answers hang on takes longest to work out: it is asked for last, and only once somebody
    comes to see it. */
async function lookWhy() {
  const box = panels.why.getBoundingClientRect();
  if (!awaited || panels.why.hidden || box.top > innerHeight || box.bottom < 0) return;
  const signal = awaited;
  awaited = null;
  panels.why.setAttribute("aria-busy", "true");
  try {
    const most = served.limits.max_explained;
    if (tokens.length > most) throw new Error(`${tokens.length} tokens: texts of up to ${most} are explained.`);
    answers.explain = await post("explain", { text: state.text, model: state.model }, signal);
    showWhy();
  } catch (error) {
    if (error.name === "AbortError") return;
    tellWhy(h("p", { class: "none" }, error.message));
  } finally {
    if (!signal.aborted) panels.why.removeAttribute("aria-busy");
  }
}

function showWhy() {
  if (!answers.explain) return;
  const listed = listAnswers(answers.explain);
  state.why = fill(control("why"), listed, state.why);
  if (!listed.length) return tellWhy(h("p", { class: "none" }, "There is no answer here to explain."));
  panels.why.querySelector(".controls").hidden = false;
  panels.why.querySelector(".meaning").textContent = whyMeaning(answers.explain, state.why);
  drawWhy(view("why"), answers.explain, state.why);
}

/** In the place of an explanation. */
function tellWhy(message) {
  panels.why.querySelector(".controls").hidden = true;
  panels.why.querySelector(".meaning").textContent = "";
  view("why").replaceChildren(message);
}

/** Make room for the text, where the browser does not do so by itself. */
function fit(area) {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}

function say(message) {
  byId("status").textContent = message;
  byId("alert").hidden = true;
}

function complain(error) {
  if (error.name === "AbortError") return;
  byId("status").textContent = "";
  byId("alert").textContent = error.message;
  byId("alert").hidden = false;
}

// -- wiring ---------------------------------------------------------------------------------

function follow() {
  state = readAddress();
  byId("text").value = state.text ?? "";
  offer();
  read();
}

function copied(kind) {
  if (kind === "permalink") return location.href;
  if (kind === "resolved") return answers.resolve?.resolved_text ?? "";
  return JSON.stringify(answers, null, 2);
}

function showTheme() {
  byId("theme").textContent = { light: "☀ Light", dark: "☾ Dark" }[document.documentElement.dataset.theme] ?? "◐ Auto";
  byId("theme").setAttribute("aria-label", `Theme: ${document.documentElement.dataset.theme ?? "as the system"}`);
}

function changeTheme() {
  const { dataset } = document.documentElement;
  const next = { undefined: "dark", dark: "light" }[dataset.theme];
  if (next) dataset.theme = next;
  else delete dataset.theme;
  try {
    localStorage.setItem("spacy-lstm-theme", next ?? "");
  } catch {
    // It then holds until the page is left.
  }
  showTheme();
  settle();
}

function type(event) {
  clearTimeout(pause);
  // What an input method has not yet made a word of is no text.
  if (event.isComposing) return;
  Object.assign(state, { text: event.target.value, token: null, why: null });
  pause = setTimeout(read, PAUSE);
}

function wire() {
  byId("text").addEventListener("input", type);
  byId("text").addEventListener("compositionend", type);
  byId("model").addEventListener("change", (event) => {
    state = { text: state.text, model: event.target.value };
    offer();
    read();
  });
  for (const form of document.querySelectorAll(".controls")) {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", ({ target }) => {
      state[target.name] = target.value;
      if (target.name === "why") {
        writeAddress(state);
        return showWhy();
      }
      offer();
      settle();
    });
  }
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-copy]");
    if (button) copy(copied(button.dataset.copy), button);
  });
  byId("theme").addEventListener("click", changeTheme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", settle);
  document.querySelector(".skip").addEventListener("click", (event) => {
    // The link's own fragment would take the place of the text and the settings.
    event.preventDefault();
    byId("panels").focus();
  });
  window.addEventListener("hashchange", follow);
  new IntersectionObserver(lookWhy).observe(panels.why);
}

async function start() {
  showTheme();
  try {
    served = await listModels();
  } catch (error) {
    return complain(error);
  }
  byId("version").textContent = `spacy-lstm ${served.version}`;
  offerExamples();
  wire();
  // Whoever typed while the models were asked for goes on with that.
  const typed = byId("text").value;
  if (typed) writeAddress({ ...readAddress(), text: typed, token: null, why: null });
  if (location.hash.length > 1) return follow();
  offer();
  return choose(EXAMPLES.find(({ lang }) => lang === model().lang) ?? { text: "", lang: model().lang });
}

start();
