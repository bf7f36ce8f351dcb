// The text and the settings in the address, after the "#", which never leaves the browser.

const KEYS = ["text", "model", "component", "layer", "channel", "order", "token", "attention", "head", "why"];

/** What the address says; only known settings. */
export function readAddress() {
  const found = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(KEYS.filter((key) => found.has(key)).map((key) => [key, found.get(key)]));
}

/** Put them there, without a new step in the history. */
export function writeAddress(state) {
  const kept = KEYS.filter((key) => state[key] !== undefined && state[key] !== null && state[key] !== "");
  const query = new URLSearchParams(kept.map((key) => [key, state[key]]));
  history.replaceState(null, "", kept.length ? `#${query}` : location.pathname);
}
