// Several methods, or several layers, side by side.

import { ask } from "./api.js";
import { $, el } from "./dom.js";
import { short } from "./layers.js";
import { drawCard } from "./stage.js";
import { options, state } from "./state.js";

/** What there is to compare: titles, and what replaces the state's choices. */
function candidates(kind, server, model, used) {
  if (kind === "layers") {
    // The last layer of each size of grid tells most, and the one that is looked at now.
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

/** Shows what the state asks to be compared; `choose(replaced)` is called with the card that is clicked. */
export async function compare(server, model, used, body, choose, signal) {
  for (const kind of ["methods", "layers"]) {
    $(`compare-${kind}`).setAttribute("aria-pressed", String(state.compare === kind));
  }
  $("compare").replaceChildren();
  if (state.compare === "") return;
  const wanted = candidates(state.compare, server, model, used);
  for (const { title, replaced } of wanted) {
    const card = el("button", { type: "button", onclick: () => choose(replaced) }, el("span", { textContent: title }));
    $("compare").append(card);
    try {
      const answer = await ask("explain", options({ maps: "", neurons: "", ...replaced }), body, signal);
      const canvas = el("canvas", { "aria-hidden": "true" });
      drawCard(canvas, answer.maps[0].map, answer.record.seen);
      card.prepend(canvas);
    } catch (error) {
      if (error.name === "AbortError") return;
      card.append(el("span", { className: "quiet", textContent: error.message }));
      card.disabled = true;
    }
  }
}
