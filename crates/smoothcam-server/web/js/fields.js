// Takes what the user enters into fields over into the state.

import { method } from "./choices.js";
import { $ } from "./dom.js";
import { change } from "./explain.js";
import { loadModel, readAgain } from "./pictures.js";
import { nameOfClass, session } from "./session.js";
import { setBusy, showError } from "./status.js";
import { check, optionNamed } from "./table.js";

/** Listens to all fields, for good. */
export function listenToFields() {
  const changed = (name, extra = {}) => $(name).addEventListener("change", ({ target }) => {
    if (check(target, optionNamed(name))) change({ [name]: target.value.trim(), ...extra });
  });
  changed("method", { samples: "", sigma: "" });
  $("method").addEventListener("change", () => {
    if (method().at_input) change({ layer: "", maps: "", neurons: "" });
  });
  changed("layer", { maps: "", neurons: "" });
  for (const name of ["samples", "sigma", "seed", "maps", "neurons"]) changed(name);
  for (const name of ["window", "frame"]) $(name).addEventListener("change", ({ target }) => {
    if (check(target, optionNamed(name))) readAgain({ [name]: target.value.trim() });
  });
  $("class").addEventListener("change", ({ target }) => {
    const index = session.model.labels.indexOf(target.value);
    change({ class: index >= 0 ? nameOfClass(index) : target.value.trim() });
  });
  $("auto").addEventListener("click", () => change({ samples: "auto" }));
  $("signed").addEventListener("change", ({ target }) => change({ signed: target.checked ? "true" : "" }));
  $("regions-on").addEventListener("change", ({ target }) => change({ regions: target.checked ? $("threshold").value : "" }));
  $("threshold").addEventListener("change", ({ target }) => change({ regions: target.value }));
  $("model").addEventListener("change", async ({ target }) => {
    try {
      await loadModel(target.value);
      const model = target.value === session.server.models[0] ? "" : target.value;
      change({ model, layer: "", class: "", maps: "", neurons: "" });
    } catch (error) {
      showError(error);
      setBusy(false);
    }
  });
}
