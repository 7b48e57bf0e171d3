// The page: from the state to what is shown, and from what the user does to the state.

import * as api from "./api.js";
import { compare } from "./compare.js";
import { $, debounced, el } from "./dom.js";
import { colors } from "./draw.js";
import { markMaps, showMaps } from "./gallery.js";
import { save, showCommands } from "./downloads.js";
import { markLayers, showGlances, showLayers, short } from "./layers.js";
import { listenToCells, markCells, setGrid, toggleCells } from "./neurons.js";
import { fillLists, showChoices, showError, showFacts, showPredictions } from "./choices.js";
import { listen, markSample, showSamples } from "./sources.js";
import { describe, draw, listRegions, showMap, showPicture } from "./stage.js";
import { options, readAddress, state, writeAddress } from "./state.js";

/** How many feature maps are shown at first; each time that more are wanted, twice as many. */
const MAPS = matchMedia("(max-width: 540px)").matches ? 24 : 48;

let server;
let model;
/** The picture: a blob and its name. */
let picture;
/** The last answer, and the options that it answers. */
let answer;
/** Ends what is being asked. */
let asking = new AbortController();
/** The explanation that can be stopped. */
let running;
let mapsShown = MAPS;

const method = () => server.methods.find((m) => m.name === state.method) ?? server.methods[0];
const status = (text) => { $("status").textContent = text; };

/** Changes the state, and shows what it asks for. */
function change(changes) {
  Object.assign(state, changes);
  show();
  explainSoon();
}

/** Shows what needs no request. */
function show() {
  writeAddress();
  showChoices(server, method());
  markLayers(answer?.record.layer?.name);
  markMaps(answer?.record.layer?.maps ?? 0);
  markCells();
  if (picture) showCommands(model, picture.name);
}

const busy = (is) => $("stage").setAttribute("aria-busy", String(is));

const waited = debounced(120, () => explain());

function explainSoon() {
  busy(true);
  waited();
}

/** Asks for what the state says, and shows it as it comes. */
async function explain() {
  if (!picture) return busy(false);
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  showError();
  try {
    if (state.maps === "none") throw new api.Refusal("No feature map takes part.", "take one in");
    await Promise.all([answer ? undefined : showClasses(signal), explainThis(signal)]);
    await Promise.all([showGallery(signal), showOverview(signal)]);
    await compare(server, model, answer.record.layer?.name, picture.blob, (replaced) => {
      change(replaced);
      $("stage").scrollIntoView({ block: "center" });
    }, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    status("");
    showError(error);
  } finally {
    if (!signal.aborted) {
      $("stop").hidden = $("progress").hidden = true;
      busy(false);
    }
  }
}

const chooseClass = (name) => change({ class: name });

/** The most probable classes, which are known before the map is. */
async function showClasses(signal) {
  const { predictions } = await api.ask("predict", new URLSearchParams({ model: model.name }), picture.blob, signal);
  if (!answer) showPredictions(predictions, undefined, chooseClass);
}

async function explainThis(signal) {
  status("Explaining …");
  const asked = options();
  if (state.regions) asked.set("regions", state.regions);
  answer = await api.explain(asked, picture.blob, ({ id, done, all, maps, seen }) => {
    running = id;
    $("progress").hidden = $("stop").hidden = all < 2;
    $("progress").max = all;
    $("progress").value = done;
    $("passes").textContent = all < 2 ? "" : `${done} of ${all} passes`;
    if (maps.length) showMap(maps[0], seen);
  }, signal);
  running = undefined;
  const { record, maps: [map] } = answer;
  // Who stopped it gets a link to what is there.
  if (record.notes.some((note) => note.startsWith("stopped"))) state.samples = String(record.noise.samples);
  showMap(map.map, record.seen, map.regions);
  listRegions(map.regions);
  const most = record.predictions.filter((p) => p.class !== map.class);
  const told = most.length < record.predictions.length ? record.predictions : [...record.predictions, map];
  showPredictions(told, map.class, chooseClass);
  showFacts(answer);
  setGrid(record.layer?.height ?? 0, record.layer?.width ?? 0, (text) => change({ neurons: text }));
  $("passes").textContent = `${record.noise.samples + 1} passes, ${record.milliseconds.toFixed(0)} ms`;
  const words = `${map.label ?? `class ${map.class}`}: ${record.title}${record.layer ? ` at ${short(record.layer)}` : ""}`;
  status(`Explained ${words}`);
  describe(`${picture.name} with the map of ${words}`);
  show();
}

/** The layer's feature maps, whichever of them take part. */
async function showGallery(signal) {
  const count = answer.record.layer?.maps ?? 0;
  const all = count && !answer.record.fused.length;
  $("more").hidden = !all || mapsShown >= count;
  if (!all) return showMaps([], 0, () => {});
  const asked = options({ maps: "" });
  asked.set("feature_maps", Math.min(mapsShown, count));
  const { maps: [{ feature_maps }] } = await api.ask("explain", asked, picture.blob, signal);
  showMaps(feature_maps, count, (text) => change({ maps: text }));
}

/** Which picture and class the layers' maps are of. */
let glanced;

async function showOverview(signal) {
  const { class: explained } = answer.maps[0];
  const key = `${picture.number} ${state.model} ${explained}`;
  if (glanced === key) return;
  const { layers } = await api.ask("overview", new URLSearchParams({ model: model.name, class: explained }), picture.blob, signal);
  showGlances(layers);
  glanced = key;
}

let pictures = 0;

/** Takes another picture. */
async function take(blob, name, sample = "") {
  showError();
  busy(true);
  try {
    picture = { blob, name, number: ++pictures };
    answer = undefined;
    showPicture(await decoded(blob), name);
    markSample(sample);
    change({ picture: name, class: "" });
  } catch (error) {
    picture = undefined;
    showError(error);
    busy(false);
  }
}

/** The picture's pixels; what this browser cannot read (TIFF, arrays) the server can. */
async function decoded(blob) {
  const upright = { imageOrientation: "from-image", colorSpaceConversion: "none" };
  try {
    return await createImageBitmap(blob, upright);
  } catch {
    const png = await api.file("picture", new URLSearchParams({ model: model.name }), blob, "image/png");
    return createImageBitmap(png, upright);
  }
}

async function takeSample(name, keepClass = false) {
  const { class: before } = state;
  const address = server.samples.find((s) => s.endsWith(`/${name}`));
  const response = await fetch(`.${address}`);
  await take(await response.blob(), name, name);
  if (keepClass) change({ class: before });
}

/** Takes another model. */
async function useModel(name) {
  model = await api.aboutModel(name);
  fillLists(server, model);
  showLayers(model, (layer) => { mapsShown = MAPS; change({ layer, maps: "", neurons: "" }); });
  glanced = answer = undefined;
}

/** From a field to the state. */
function listenToFields() {
  const changed = (id, key, extra = {}) => $(id).addEventListener("change", ({ target }) => {
    if (!target.checkValidity()) return target.reportValidity();
    const value = target.value.trim();
    change({ [key]: value, ...extra });
  });
  changed("method", "method", { samples: "", sigma: "" });
  $("method").addEventListener("change", () => {
    if (method().at_input) change({ layer: "", maps: "", neurons: "" });
  });
  changed("layer", "layer", { maps: "", neurons: "" });
  changed("samples-count", "samples");
  changed("sigma", "sigma");
  changed("seed", "seed");
  changed("maps", "maps");
  changed("neurons", "neurons");
  $("class").addEventListener("change", ({ target }) => {
    const index = model.labels.indexOf(target.value);
    change({ class: index >= 0 ? String(index) : target.value.trim() });
  });
  $("auto").addEventListener("click", () => change({ samples: "auto" }));
  $("signed").addEventListener("change", ({ target }) => change({ signed: target.checked ? "true" : "" }));
  $("regions-on").addEventListener("change", ({ target }) => change({ regions: target.checked ? $("threshold").value : "" }));
  $("threshold").addEventListener("change", ({ target }) => change({ regions: target.value }));
  $("model").addEventListener("change", async ({ target }) => {
    try {
      await useModel(target.value);
      change({ model: target.value === server.models[0] ? "" : target.value, layer: "", class: "", maps: "", neurons: "" });
    } catch (error) {
      showError(error);
    }
  });
}

/** From a button to what it does. */
function listenToButtons() {
  const drawAgain = () => { draw(); show(); };
  $("opacity").addEventListener("input", ({ target }) => { state.opacity = target.value; drawAgain(); });
  $("colormap").addEventListener("change", ({ target }) => {
    state.colormap = target.value;
    drawAgain();
    // Small maps are drawn anew, from passes that the server has kept.
    glanced = undefined;
    explainSoon();
  });
  for (const radio of document.querySelectorAll("[name=view]")) {
    radio.addEventListener("change", () => { state.view = radio.value; drawAgain(); });
  }
  $("stop").addEventListener("click", () => {
    $("stop").hidden = true;
    if (running) api.stop(running);
  });
  $("maps-all").addEventListener("click", () => change({ maps: "" }));
  $("maps-none").addEventListener("click", () => change({ maps: "none" }));
  $("more").addEventListener("click", async () => {
    mapsShown *= 2;
    await showGallery(asking.signal).catch(showError);
  });
  $("choose").addEventListener("click", () => toggleCells());
  $("neurons-all").addEventListener("click", () => change({ neurons: "" }));
  for (const kind of ["methods", "layers"]) {
    $(`compare-${kind}`).addEventListener("click", () => change({ compare: state.compare === kind ? "" : kind }));
  }
  for (const button of document.querySelectorAll("[data-save]")) {
    button.addEventListener("click", () => {
      if (picture) save(button.dataset.save, picture.name, picture.blob).catch(showError);
    });
  }
  $("link").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      status("The link is in the clipboard.");
    } catch {
      status(location.href);
    }
  });
}

async function begin() {
  readAddress();
  server = await api.about();
  colors.diverging = server.diverging;
  for (const { name, colors: table } of server.colormaps) colors.of.set(name, table);
  $("version").textContent = server.version;
  $("model").replaceChildren(...server.models.map((name) => el("option", { value: name, textContent: name })));
  await useModel(state.model || server.models[0]);
  listen((blob, name) => take(blob, name));
  listenToFields();
  listenToButtons();
  listenToCells();
  showSamples(server.samples, (name) => takeSample(name));
  const linked = state.picture;
  show();
  if (server.samples.some((s) => s.endsWith(`/${linked}`))) await takeSample(linked, true);
  else busy(false);
  if (linked && !picture) status(`This link is to a view of '${linked}': choose that picture to see it.`);
}

begin().catch(showError);
