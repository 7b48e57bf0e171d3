// What the page shows, as its address has it: a link is a view.

const DEFAULTS = {
  model: "", picture: "", method: "smooth-grad-cam++", layer: "", class: "", samples: "", sigma: "",
  seed: "", maps: "", neurons: "", signed: "", colormap: "turbo", opacity: "0.7", view: "overlay",
  regions: "", compare: "",
};

/** What an explanation is asked by. */
const ASKED = ["model", "method", "layer", "class", "samples", "sigma", "seed", "maps", "neurons", "signed"];

export const state = { ...DEFAULTS };

export function readAddress() {
  const address = new URLSearchParams(location.search);
  for (const key of Object.keys(DEFAULTS)) state[key] = address.get(key) ?? DEFAULTS[key];
}

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
  const asked = new URLSearchParams();
  for (const key of ASKED) if (all[key] !== "" && (key !== "method" || all[key] !== DEFAULTS.method)) asked.set(key, all[key]);
  return asked;
}
