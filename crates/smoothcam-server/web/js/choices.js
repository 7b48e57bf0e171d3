// The choices: classes, method, noise, and what is told of the result.

import { $, digits, el, percent } from "./dom.js";
import { state } from "./state.js";

/** Fills the lists of methods, colours and classes. */
export function fillLists(server, model) {
  $("method").replaceChildren(...server.methods.map((m) => el("option", { value: m.name, textContent: m.samples ? m.smoothed : m.title })));
  $("colormap").replaceChildren(...server.colormaps.map(({ name }) => el("option", { value: name, textContent: name })));
  const most = 5000;
  $("labels").replaceChildren(...model.labels.slice(0, most).map((label, i) => el("option", { value: label, label: `${i}` })));
  $("engine").textContent = `${model.labels.length} classes, input ${model.input.slice(1).join("×")}, ${model.engine}`;
}

/** Shows the state in all fields but the one that is being typed in. */
export function showChoices(server, method) {
  const fields = { method: "method", colormap: "colormap", opacity: "opacity", layer: "layer", class: "class",
    "samples-count": "samples", sigma: "sigma", seed: "seed", maps: "maps", neurons: "neurons" };
  for (const [id, key] of Object.entries(fields)) {
    if (document.activeElement !== $(id) || $(id).tagName === "SELECT") $(id).value = state[key];
  }
  for (const radio of document.querySelectorAll("[name=view]")) radio.checked = radio.value === state.view;
  $("signed").checked = state.signed === "true";
  $("regions-on").checked = state.regions !== "";
  if (state.regions) $("threshold").value = state.regions;
  $("model").value = state.model || server.models[0];
  $("formula").textContent = method.source;
  $("samples-count").placeholder = `${method.samples || "none"}`;
  $("samples-count").disabled = !method.noisy;
  $("auto").disabled = !method.noisy;
  const noisy = method.noisy && (state.samples === "" ? method.samples > 0 : state.samples !== "0");
  $("sigma").disabled = $("seed").disabled = !noisy;
  for (const id of ["layer", "maps", "neurons", "choose"]) $(id).disabled = method.at_input;
  for (const button of $("layers").children) if (method.at_input) button.disabled = true;
}

/** Shows classes, the most probable first, and which of them is explained; `choose(class)` is called with the
 *  one that is clicked. */
export function showPredictions(predictions, explained, choose) {
  const row = (p, i) => {
    const share = el("span", { className: "share", "aria-hidden": "true" });
    share.style.width = `${100 * p.probability}%`;
    const radio = el("input", { type: "radio", name: "prediction", value: p.class, checked: p.class === explained,
      onchange: () => choose(i === 0 ? "" : String(p.class)) });
    return el("label", {}, radio, el("span", { className: "name", textContent: p.label ?? `class ${p.class}` }),
      el("span", { className: "percent", textContent: percent(p.probability) }), share);
  };
  $("predictions").replaceChildren(el("legend", { textContent: "The model says" }), ...predictions.map(row));
}

/** Tells the result in words and numbers. */
export function showFacts(answer) {
  const { record, maps: [map] } = answer;
  const { noise, layer } = record;
  const facts = [
    ["explained", `${map.label ?? "class"} (${map.class}), ${percent(map.probability)}, score ${digits(map.score)}`],
    ["method", record.title],
    ["layer", layer ? `${layer.name}, ${layer.maps} maps of ${layer.height}×${layer.width}` : "the input"],
    ["noise", noise.samples ? `${noise.samples} samples, standard deviation ${digits(noise.scale)}, seed ${noise.seed}` : "none"],
    ...(noise.error ? [["error", `${percent(noise.error)} of the map's maximum`]] : []),
    ["map", `from ${digits(record.classes[0].map_min)} to ${digits(record.classes[0].map_max)}`],
    ["engine", `${record.engine}, ${record.milliseconds.toFixed(0)} ms`],
    ["model", record.model_sha256.slice(0, 16)],
    ...record.preprocess_sources.map(({ setting, value, source }) => [setting, `${value} (${source})`]),
  ];
  $("facts").replaceChildren(...facts.flatMap(([name, value]) => [el("dt", { textContent: name }), el("dd", { textContent: value })]));
  const notes = [...record.notes];
  if (record.classes[0].map_max <= 0 && !record.signed) notes.unshift("No evidence for this class here: the map is zero everywhere.");
  $("notes").replaceChildren(...notes.map((note) => el("li", { textContent: note })));
}

/** Tells what went wrong; nothing takes it away. */
export function showError(error) {
  $("alert").hidden = !error;
  if (!error) return;
  $("alert").replaceChildren(el("p", { textContent: error.message }));
  if (error.hint) $("alert").append(el("p", { textContent: `→ ${error.hint}` }));
}
