// Shows the state in the page's fields: model, class, method, noise and colours.

import { $, el } from "./dom.js";
import { session } from "./session.js";
import { state, valueOf } from "./state.js";
import { controlsOf, pageOptions } from "./table.js";

/** The most classes that are listed. */
const MOST_LABELS = 5000;

/** The method that the state names. */
export function method() {
  const { methods } = session.server;
  return methods.find((m) => m.name === valueOf("method")) ?? methods[0];
}

/** Shows what the model is, and lists its classes. */
export function showModel() {
  const { model } = session;
  $("labels").replaceChildren(...model.labels.slice(0, MOST_LABELS).map((label, i) => el("option", { value: label, label: `${i}` })));
  $("engine").textContent = `${model.labels.length} classes, input ${model.input.slice(1).join("×")}, ${model.engine}`;
}

/** Shows the state in all fields but the one in which the user is typing. */
export function showChoices() {
  for (const { name } of pageOptions()) for (const control of controlsOf(name)) showValue(control, name);
  $("model").value = state.model || session.server.models[0];
  showMethod(method());
}

/** Shows an option's value in a control. Lists and sliders always have a value; where a field is empty, its placeholder
 *  says what the default is. */
function showValue(control, name) {
  const { tagName, type } = control;
  const typing = document.activeElement === control;
  if (type === "checkbox") control.checked = state[name] !== "" && state[name] !== "false";
  else if (type === "radio") control.checked = control.value === valueOf(name);
  else if (tagName === "SELECT") control.value = valueOf(name) || control.value;
  else if (type === "range" && !typing) control.value = valueOf(name);
  else if (tagName === "INPUT" && !typing) control.value = state[name];
}

/** Shows a method's formula, and enables the fields that it uses. */
function showMethod({ source, samples, noisy, at_input }) {
  $("formula").textContent = source;
  $("samples").placeholder = `${samples || "none"}`;
  $("samples").disabled = $("auto").disabled = !noisy;
  const withNoise = noisy && (state.samples === "" ? samples > 0 : state.samples !== "0");
  $("sigma").disabled = $("seed").disabled = !withNoise;
  for (const id of ["layer", "maps", "neurons", "choose"]) $(id).disabled = at_input;
  for (const button of $("layers").children) if (at_input) button.disabled = true;
}
