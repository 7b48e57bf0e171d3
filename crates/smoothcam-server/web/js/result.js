// Shows the result of an explanation in words and numbers.

import { $, digits, el, percent } from "./dom.js";

/** Shows classes, the most probable first, and which of them is explained. Calls `choose(class)` with the one that the
 *  user clicks: its index, or undefined for the predicted class. */
export function showPredictions(predictions, explained, choose) {
  const row = (p, i) => {
    const share = el("span", { className: "share", "aria-hidden": "true" });
    share.style.width = `${100 * p.probability}%`;
    const radio = el("input", { type: "radio", name: "prediction", value: p.class, checked: p.class === explained,
      onchange: () => choose(i === 0 ? undefined : p.class) });
    return el("label", {}, radio, el("span", { className: "name", textContent: p.label ?? `class ${p.class}` }),
      el("span", { className: "percent", textContent: percent(p.probability) }), share);
  };
  $("predictions").replaceChildren(el("legend", { textContent: "The model says" }), ...predictions.map(row));
}

/** Lists the facts of an answer, and its notes. */
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
