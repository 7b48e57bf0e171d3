// Shows what the page is doing, and what went wrong.

import { $, el } from "./dom.js";

/** Says what the page is doing. */
export function setStatus(text) {
  $("status").textContent = text;
}

/** Marks the picture as being worked on, or as shown as the state asks. */
export function setBusy(busy) {
  $("stage").setAttribute("aria-busy", String(busy));
}

/** Shows the passes of an explanation that can be stopped. */
export function showProgress(done, all) {
  $("progress").hidden = $("stop").hidden = all < 2;
  $("progress").max = all;
  $("progress").value = done;
  $("passes").textContent = all < 2 ? "" : `${done} of ${all} passes`;
}

/** Shows that the explanation has ended. */
export function hideProgress() {
  $("stop").hidden = $("progress").hidden = true;
}

/** Says what went wrong; without an error, takes the last one away. */
export function showError(error) {
  $("alert").hidden = !error;
  if (!error) return;
  $("alert").replaceChildren(el("p", { textContent: error.message }));
  if (error.hint) $("alert").append(el("p", { textContent: `→ ${error.hint}` }));
}
