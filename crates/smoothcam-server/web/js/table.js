// Knows the options that have a control on the page: names, defaults, limits and help, as the server's table has them.

import { el } from "./dom.js";
import { session } from "./session.js";

/** The options that have a control on the page. */
export const pageOptions = () => session.server.options.filter((option) => option.page);

/** The option of this name; `undefined` if the page has no control for it. */
export const optionNamed = (name) => pageOptions().find((option) => option.name === name);

/** The controls of an option. */
export const controlsOf = (name) => document.querySelectorAll(`[data-option="${name}"]`);

/** Gives each control the help, the limits, the choices and the default of its option. */
export function fillControls() {
  const { methods } = session.server;
  const titles = new Map(methods.map((m) => [m.name, m.samples ? m.smoothed : m.title]));
  for (const option of pageOptions()) {
    for (const control of controlsOf(option.name)) fill(control, option, titles);
  }
}

function fill(control, { kind, help, values, min, max, default_in_words: words }, titles) {
  control.title = help;
  if (control.tagName === "SELECT" && kind === "choice") {
    control.replaceChildren(...values.map((value) => el("option", { value, textContent: titles.get(value) ?? value })));
  }
  if (control.tagName !== "INPUT") return;
  if (min !== undefined) control.min = min;
  if (max !== undefined) control.max = max;
  if (words) control.placeholder = words;
}

/** Checks what the user has entered in an option's control, and says what is expected if it is something else. */
export function check(control, { kind, min, max, min_excluded: aboveMin, max_excluded: belowMax, expected }) {
  const x = Number(control.value);
  const numeric = kind === "number" || kind === "integer";
  const excluded = numeric && control.value !== "" && ((aboveMin && x <= min) || (belowMax && x >= max));
  control.setCustomValidity(excluded ? `This must be ${expected}.` : "");
  return control.reportValidity();
}
