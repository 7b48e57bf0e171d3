// Shows the maps of several methods, or of several layers, side by side.

import { post } from "./api.js";
import { $, el } from "./dom.js";
import { short } from "./layers.js";
import { session } from "./session.js";
import { drawCard } from "./stage.js";
import { options, state } from "./state.js";

/** The maps to compare: their titles, and what replaces parts of the state for each. `used` is the layer explained. */
function candidates(kind, used) {
  const { server, model } = session;
  if (kind === "layers") {
    // The last layer of each size of grid shows most; the layer that is explained is among them.
    const last = new Map(model.layers.filter((l) => l.noise_acts !== null).map((l) => [`${l.height}x${l.width}`, l]));
    const layers = [...last.values()];
    const now = model.layers.find((l) => l.name === used);
    if (now && !layers.includes(now)) layers.push(now);
    layers.sort((a, b) => model.layers.indexOf(a) - model.layers.indexOf(b));
    return layers.map((l) => ({ title: `${short(l)}, ${l.height}×${l.width}`, replaced: { layer: l.name } }));
  }
  return server.methods.map((method) => {
    const replaced = { method: method.name, samples: method.samples ? state.samples : "", sigma: method.samples ? state.sigma : "" };
    // All at the same layer, so that they differ in nothing else.
    replaced.layer = method.at_input ? "" : state.layer || used || model.default_with_noise || "";
    if (method.at_input) Object.assign(replaced, { maps: "", neurons: "" });
    return { title: method.samples ? method.smoothed : method.title, replaced };
  });
}

/** Shows what the state compares. Calls `choose(replaced)` with what replaces parts of the state when a card is
 *  clicked. */
export async function compare(choose, signal) {
  for (const kind of ["methods", "layers"]) {
    $(`compare-${kind}`).setAttribute("aria-pressed", String(state.compare === kind));
  }
  $("compare").replaceChildren();
  if (state.compare === "") return;
  const { picture, answer } = session;
  for (const { title, replaced } of candidates(state.compare, answer.record.layer?.name)) {
    const card = el("button", { type: "button", onclick: () => choose(replaced) }, el("span", { textContent: title }));
    $("compare").append(card);
    try {
      const { maps, record } = await post("explain", options({ maps: "", neurons: "", ...replaced }), picture.blob, signal);
      const canvas = el("canvas", { "aria-hidden": "true" });
      drawCard(canvas, maps[0].map, record.seen);
      card.prepend(canvas);
    } catch (error) {
      if (error.name === "AbortError") return;
      card.append(el("span", { className: "quiet", textContent: error.message }));
      card.disabled = true;
    }
  }
}
