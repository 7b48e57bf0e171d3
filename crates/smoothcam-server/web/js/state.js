// Holds what the page shows, as its address says it: a link is a view.

const DEFAULTS = {
  model: "", picture: "", method: "smooth-grad-cam++", layer: "", class: "", samples: "", sigma: "",
  seed: "", maps: "", neurons: "", signed: "", colormap: "turbo", opacity: "0.7", view: "overlay",
  regions: "", compare: "",
};

/** The parts of the state that are options of an explanation. */
const OPTIONS = ["model", "method", "layer", "class", "samples", "sigma", "seed", "maps", "neurons", "signed"];

/** The parts of the state that are options of its picture. */
const DRAWING_OPTIONS = ["colormap", "opacity", "regions"];

export const state = { ...DEFAULTS };

/** Takes the state from the page's address. */
export function readAddress() {
  const address = new URLSearchParams(location.search);
  for (const key of Object.keys(DEFAULTS)) state[key] = address.get(key) ?? DEFAULTS[key];
}

/** Writes the state into the page's address. */
export function writeAddress() {
  const address = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (value !== DEFAULTS[key]) address.set(key, value);
  }
  const query = address.toString();
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
}

/** The options of an explanation that are not the defaults, with some of them replaced. */
export function options(replaced = {}) {
  const all = { ...state, ...replaced };
  const query = new URLSearchParams();
  for (const key of OPTIONS) {
    if (all[key] !== "" && (key !== "method" || all[key] !== DEFAULTS.method)) query.set(key, all[key]);
  }
  return query;
}

/** The options of an explanation as it is drawn, with some of those of the drawing replaced. */
export function drawingOptions(replaced = {}) {
  const query = options();
  const unlessDefault = (key) => [key, state[key] === DEFAULTS[key] ? "" : state[key]];
  const drawing = { ...Object.fromEntries(DRAWING_OPTIONS.map(unlessDefault)), ...replaced };
  for (const [key, value] of Object.entries(drawing)) if (value !== "") query.set(key, value);
  return query;
}
