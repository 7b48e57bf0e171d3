// Shows the layer's feature maps, those with the most weight first.

import { $, digits, el, unseen } from "./dom.js";
import { drawCells } from "./draw.js";
import { readMaps, writeMaps } from "./ranges.js";
import { state, valueOf } from "./state.js";

/** Shows feature maps of a layer that has `count` of them. Calls `choose(text)` with those that shall take part. */
export function showMaps(maps, count, choose) {
  $("maps-of").textContent = count ? `${count} in this layer` : "this method explains the picture itself";
  const chosen = readMaps(state.maps, count) ?? new Set();
  const button = ({ index, weight, map }) => {
    const canvas = el("canvas", { "aria-hidden": "true" });
    drawCells(canvas, map, valueOf("colormap"));
    const toggle = () => {
      const now = readMaps(state.maps, count) ?? new Set();
      if (!now.delete(index)) now.add(index);
      choose(now.size ? writeMaps(now, count) : "none");
    };
    return el("button", { type: "button", "aria-pressed": String(chosen.has(index)), "data-map": index,
      onclick: toggle }, canvas,
      el("span", {}, unseen("Feature map "), `${index}`),
      el("span", { className: "quiet" }, unseen("weight "), digits(weight)));
  };
  $("gallery").replaceChildren(...maps.map(button));
}

/** Marks the feature maps that take part. */
export function markMaps(count) {
  const chosen = readMaps(state.maps, count) ?? new Set();
  for (const button of $("gallery").children) {
    button.setAttribute("aria-pressed", String(chosen.has(Number(button.dataset.map))));
  }
}
