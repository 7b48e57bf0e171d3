// Shows the state in the page's fields: model, class, method, noise and colours.

import { $, el } from "./dom.js";
import { session } from "./session.js";
import { state } from "./state.js";

/** The most classes that are listed. */
const MOST_LABELS = 5000;

/** The method that the state names. */
export function method() {
  const { methods } = session.server;
  return methods.find((m) => m.name === state.method) ?? methods[0];
}

/** Fills the lists of methods, colours and classes. */
export function fillLists() {
  const { server, model } = session;
  $("method").replaceChildren(...server.methods.map((m) => el("option", { value: m.name, textContent: m.samples ? m.smoothed : m.title })));
  $("colormap").replaceChildren(...server.colormaps.map(({ name }) => el("option", { value: name, textContent: name })));
  $("labels").replaceChildren(...model.labels.slice(0, MOST_LABELS).map((label, i) => el("option", { value: label, label: `${i}` })));
  $("engine").textContent = `${model.labels.length} classes, input ${model.input.slice(1).join("×")}, ${model.engine}`;
}

/** Shows the state in all fields but the one in which the user is typing. */
export function showChoices() {
  const fields = { method: "method", colormap: "colormap", opacity: "opacity", layer: "layer", class: "class",
    "samples-count": "samples", sigma: "sigma", seed: "seed", maps: "maps", neurons: "neurons" };
  for (const [id, key] of Object.entries(fields)) {
    if (document.activeElement !== $(id) || $(id).tagName === "SELECT") $(id).value = state[key];
  }
  for (const radio of document.querySelectorAll("[name=view]")) radio.checked = radio.value === state.view;
  $("signed").checked = state.signed === "true";
  $("regions-on").checked = state.regions !== "";
  if (state.regions) $("threshold").value = state.regions;
  $("model").value = state.model || session.server.models[0];
  showMethod(method());
}

/** Shows a method's formula, and enables the fields that it uses. */
function showMethod({ source, samples, noisy, at_input }) {
  $("formula").textContent = source;
  $("samples-count").placeholder = `${samples || "none"}`;
  $("samples-count").disabled = $("auto").disabled = !noisy;
  const withNoise = noisy && (state.samples === "" ? samples > 0 : state.samples !== "0");
  $("sigma").disabled = $("seed").disabled = !withNoise;
  for (const id of ["layer", "maps", "neurons", "choose"]) $(id).disabled = at_input;
  for (const button of $("layers").children) if (at_input) button.disabled = true;
}
