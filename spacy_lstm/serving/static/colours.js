// Scales of heat maps: one hue for shares, two for what has a sign. They fit either theme.

const SCALES = {
  light: {
    share: ["#f6f8fb", "#b9dcf2", "#56b4e9", "#0072b2", "#052f52"],
    signed: ["#8f3b00", "#d55e00", "#f3b58a", "#f6f8fb", "#8cc6e8", "#0072b2", "#063f66"],
  },
  dark: {
    share: ["#1d2027", "#0f4263", "#0072b2", "#56b4e9", "#eaf6fd"],
    signed: ["#ffd9bd", "#ff8c42", "#7c3d13", "#1d2027", "#0f4f78", "#56b4e9", "#d5eefb"],
  },
};

export const isDark = () => getComputedStyle(document.documentElement).getPropertyValue("--dark").trim() === "1";

/** From a place between 0 and 1 to [red, green, blue]. */
export function makeScale(kind) {
  const stops = SCALES[isDark() ? "dark" : "light"][kind].map(parse);
  return (place) => {
    const at = Math.min(1, Math.max(0, place)) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((channel, i) => Math.round(channel + (at - low) * (stops[low + 1][i] - channel)));
  };
}

/** The same as a CSS gradient. */
export const gradient = (kind) => `linear-gradient(to right, ${SCALES[isDark() ? "dark" : "light"][kind].join(", ")})`;

const parse = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

// Of clusters; the style sheet has them, for either theme.
const CLUSTERS = 6;

export const clusterColour = (number) => `var(--cluster-${(number % CLUSTERS) + 1})`;
