// Explains the picture as the state says, and shows the results as they arrive.

import * as api from "./api.js";
import { showChoices } from "./choices.js";
import { showCommands } from "./commands.js";
import { compare } from "./compare.js";
import { $, debounced } from "./dom.js";
import { markMaps, showMaps } from "./gallery.js";
import { markLayers, short, showLayerMaps } from "./layers.js";
import { markCells, setGrid } from "./neurons.js";
import { showFacts, showPredictions } from "./result.js";
import { nameOfClass, session } from "./session.js";
import { describe, listRegions, showMap } from "./stage.js";
import { fileOptions, options, setState, state, writeAddress } from "./state.js";
import { hideProgress, setBusy, setStatus, showError, showProgress } from "./status.js";

/** How many feature maps are shown at first; "show more" doubles them. */
const FIRST_MAPS = matchMedia("(max-width: 540px)").matches ? 24 : 48;

/** How long the state must rest before it is explained, in milliseconds. */
const REST = 120;

let mapsShown = FIRST_MAPS;
/** Aborts the requests that have been sent for the state. */
let requests = new AbortController();
/** The id of the explanation that can be stopped. */
let running;
/** Which picture, model and class the layers' maps show. */
let layerMapsOf;

/** Changes the state, and shows what it then says. */
export function change(changes) {
  setState(changes);
  show();
  explainSoon();
}

/** Chooses a class by its index; nothing for the predicted class. */
const chooseClass = (index) => change({ class: index === undefined ? "" : nameOfClass(index) });

/** Changes the layer, of which all feature maps and neurons take part. */
export function chooseLayer(layer) {
  mapsShown = FIRST_MAPS;
  change({ layer, maps: "", neurons: "" });
}

/** Shows the part of the state that needs no request. */
export function show() {
  const { model, picture, answer } = session;
  writeAddress();
  showChoices();
  markLayers(answer?.record.layer?.name);
  markMaps(answer?.record.layer?.maps ?? 0);
  markCells();
  if (picture) showCommands(model, picture.name);
}

const explainLater = debounced(REST, () => explain());

/** Aborts what was requested for the state, which is about to change. */
export function interrupt() {
  setBusy(true);
  requests.abort();
}

/** Explains the state once the user pauses. */
export function explainSoon() {
  interrupt();
  explainLater();
}

/** Forgets the maps of the layers, which are then requested and drawn anew. */
export function forgetLayerMaps() {
  layerMapsOf = undefined;
}

/** Ends the noised samples of the explanation in work. */
export function stopExplaining() {
  $("stop").hidden = true;
  if (running) api.stop(running);
}

/** Shows twice as many feature maps: now, or with the next explanation if there is one to come. */
export async function showMoreMaps() {
  mapsShown *= 2;
  const { signal } = requests;
  if (signal.aborted) return;
  try {
    await showGallery(signal);
  } catch (error) {
    if (error.name !== "AbortError") showError(error);
  }
}

/** Requests what the state says, and shows it as it arrives. */
async function explain() {
  if (!session.picture) return setBusy(false);
  requests = new AbortController();
  const { signal } = requests;
  showError();
  try {
    if (state.maps === "none") throw new api.Refusal("No feature map is selected.", "select at least one");
    await Promise.all([session.answer ? undefined : showClasses(signal), showExplanation(signal)]);
    await Promise.all([showGallery(signal), showOverview(signal)]);
    await compare((replaced) => {
      change(replaced);
      $("stage").scrollIntoView({ block: "center" });
    }, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    setStatus("");
    showError(error);
  } finally {
    if (!signal.aborted) {
      hideProgress();
      setBusy(false);
    }
  }
}

/** Shows the most probable classes, which are known before the map is. */
async function showClasses(signal) {
  const { model, picture } = session;
  const query = fileOptions();
  query.set("model", model.name);
  const { predictions } = await api.post("predict", query, picture.blob, signal);
  if (!session.answer) showPredictions(predictions, undefined, chooseClass);
}

/** Shows the map, and what is known of it. */
async function showExplanation(signal) {
  setStatus("Explaining …");
  const query = options();
  if (state.regions) query.set("regions", state.regions);
  session.answer = await api.explain(query, session.picture.blob, ({ id, done, all, maps, seen }) => {
    running = id;
    showProgress(done, all);
    if (maps.length) showMap(maps[0], seen);
  }, signal);
  running = undefined;
  showAnswer(session.answer);
}

function showAnswer(answer) {
  const { record, maps: [map] } = answer;
  // After a stop, the link leads to what is shown.
  if (record.notes.some((note) => note.startsWith("stopped"))) setState({ samples: String(record.noise.samples) });
  showMap(map.map, record.seen, map.regions);
  listRegions(map.regions);
  const listed = record.predictions.some((p) => p.class === map.class);
  showPredictions(listed ? record.predictions : [...record.predictions, map], map.class, chooseClass);
  showFacts(answer);
  setGrid(record.layer?.height ?? 0, record.layer?.width ?? 0, (text) => change({ neurons: text }));
  $("passes").textContent = `${record.noise.samples + 1} passes, ${record.milliseconds.toFixed(0)} ms`;
  const words = `${map.label ?? `class ${map.class}`}: ${record.title}${record.layer ? ` at ${short(record.layer)}` : ""}`;
  setStatus(`Explained ${words}`);
  describe(`${session.picture.name} with the map of ${words}`);
  show();
}

/** Shows the layer's feature maps, whether they take part or not. */
async function showGallery(signal) {
  const { record } = session.answer;
  const count = record.layer?.maps ?? 0;
  const single = count && !record.fused.length;
  $("more").hidden = !single || mapsShown >= count;
  if (!single) return showMaps([], 0, () => {});
  const query = options({ maps: "" });
  query.set("feature_maps", Math.min(mapsShown, count));
  const { maps: [{ feature_maps }] } = await api.post("explain", query, session.picture.blob, signal);
  showMaps(feature_maps, count, (text) => change({ maps: text }));
}

/** Shows Grad-CAM's map at each layer, unless they are shown already. */
async function showOverview(signal) {
  const { model, picture, answer } = session;
  const { class: explained } = answer.maps[0];
  const key = `${picture.number} ${state.model} ${explained}`;
  if (layerMapsOf === key) return;
  const query = fileOptions();
  query.set("model", model.name);
  query.set("class", nameOfClass(explained));
  const { layers } = await api.post("overview", query, picture.blob, signal);
  showLayerMaps(layers);
  layerMapsOf = key;
}
