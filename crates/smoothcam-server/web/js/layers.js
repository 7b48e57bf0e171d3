// Shows the layers, from the picture to the scores.

import { $, el, unseen } from "./dom.js";
import { drawCells } from "./draw.js";
import { state, valueOf } from "./state.js";

/** A layer's short name. */
export const short = (layer) => layer.module || layer.name;

/** The layers that the state names. */
const named = () => state.layer.split("+").map((name) => name.trim());

/** Shows the layers. Calls `choose(names)` with the layer that is clicked: a name, several joined by +, or none for the
 *  default. */
export function showLayers(model, choose) {
  const automatic = el("button", { type: "button", "data-layer": "", onclick: () => choose("") },
    el("span", { className: "name", textContent: "automatic" }), "the one that suits the method");
  const button = (layer) => {
    const defaults = [
      layer.name === model.default_with_noise && "default with noise",
      layer.name === model.default && "default without",
    ].filter(Boolean);
    const title = [layer.name, ...defaults].join(", ");
    const size = `${layer.maps} × ${layer.height}×${layer.width}`;
    const noise = layer.noise_acts ? [el("span", { "aria-hidden": "true", textContent: " ≈" }), unseen(", noise acts")] : [];
    return el("button", { type: "button", title, "data-layer": layer.name,
      disabled: layer.noise_acts === null, onclick: (event) => choose(chosen(layer, event.shiftKey)) },
      el("canvas", { width: 1, height: 1, "aria-hidden": "true" }),
      el("span", { className: "name", textContent: short(layer) }), el("span", {}, size, ...noise));
  };
  $("layers").replaceChildren(automatic, ...model.layers.map(button));
  $("layer-names").replaceChildren(...model.layers.map((layer) => el("option", { value: short(layer) })));
}

/** The layer alone, or, with shift, together with those chosen before. */
function chosen(layer, together) {
  const before = named().filter((name) => name !== "" && name !== layer.name && name !== short(layer));
  return together ? [...before, layer.name].join("+") : layer.name;
}

/** Scrolls the strip, and nothing else, so that a layer stands in its middle. */
function center(button) {
  const strip = $("layers");
  strip.scrollLeft = button.offsetLeft - (strip.clientWidth - button.offsetWidth) / 2;
}

/** Marks the layers that the state names, and `used`, the name of the layer that is explained. */
export function markLayers(used) {
  const names = state.layer === "" ? [""] : named();
  for (const button of $("layers").children) {
    const { layer } = button.dataset;
    const on = names.includes(layer) || (layer !== "" && layer === used);
    button.setAttribute("aria-pressed", String(on));
    if (on && layer === used) center(button);
  }
}

/** Shows Grad-CAM's map at each layer. */
export function showLayerMaps(layers) {
  const maps = new Map(layers.map(({ name, map }) => [name, map]));
  for (const button of $("layers").children) {
    const map = maps.get(button.dataset.layer);
    if (map) drawCells(button.querySelector("canvas"), map, valueOf("colormap"));
  }
}
