// Does what the user presses: buttons, sliders, and the lists that need no new explanation.

import { $ } from "./dom.js";
import { save } from "./downloads.js";
import { change, explainSoon, forgetLayerMaps, show, showMoreMaps, stopExplaining } from "./explain.js";
import { toggleCells } from "./neurons.js";
import { session } from "./session.js";
import { draw } from "./stage.js";
import { setState, state } from "./state.js";
import { setStatus, showError } from "./status.js";

/** Listens to all buttons, for good. */
export function listenToButtons() {
  listenToDrawing();
  $("stop").addEventListener("click", stopExplaining);
  $("maps-all").addEventListener("click", () => change({ maps: "" }));
  $("maps-none").addEventListener("click", () => change({ maps: "none" }));
  $("more").addEventListener("click", showMoreMaps);
  $("choose").addEventListener("click", () => toggleCells());
  $("neurons-all").addEventListener("click", () => change({ neurons: "" }));
  for (const kind of ["methods", "layers"]) {
    $(`compare-${kind}`).addEventListener("click", () => change({ compare: state.compare === kind ? "" : kind }));
  }
  for (const button of document.querySelectorAll("[data-save]")) {
    button.addEventListener("click", () => {
      if (session.picture) save(button.dataset.save, session.picture).catch(showError);
    });
  }
  $("link").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      setStatus("The link is in the clipboard.");
    } catch {
      setStatus(location.href);
    }
  });
}

/** Listens to what changes the drawing alone. */
function listenToDrawing() {
  const drawAgain = (changes) => {
    setState(changes);
    draw();
    show();
  };
  $("opacity").addEventListener("input", ({ target }) => drawAgain({ opacity: target.value }));
  $("colormap").addEventListener("change", ({ target }) => {
    drawAgain({ colormap: target.value });
    // Small maps are drawn anew, from passes that the server has cached.
    forgetLayerMaps();
    explainSoon();
  });
  for (const radio of document.querySelectorAll("[name=view]")) {
    radio.addEventListener("change", () => drawAgain({ view: radio.value }));
  }
}
