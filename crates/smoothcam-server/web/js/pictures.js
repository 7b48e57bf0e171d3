// Opens the pictures and models that the user chooses.

import * as api from "./api.js";
import { showModel } from "./choices.js";
import { change, chooseLayer, forgetLayerMaps, interrupt } from "./explain.js";
import { showLayers } from "./layers.js";
import { session } from "./session.js";
import { markSample } from "./sources.js";
import { showPicture } from "./stage.js";
import { fileOptions, setState, state } from "./state.js";
import { setBusy, showError } from "./status.js";

let count = 0;

/** Opens a picture, a blob; `sample` is the name of the sample that it is. */
export async function openPicture(blob, name, sample = "") {
  showError();
  interrupt();
  try {
    session.picture = { blob, name, number: ++count };
    session.answer = undefined;
    showPicture(await decoded(blob), name);
    markSample(sample);
    change({ picture: name, class: "" });
  } catch (error) {
    session.picture = undefined;
    showError(error);
    setBusy(false);
  }
}

/** Reads the picture's file again, with other options. */
export async function readAgain(changes) {
  setState(changes);
  if (!session.picture) return;
  const { blob, name } = session.picture;
  interrupt();
  try {
    showPicture(await decoded(blob), name);
    session.picture.number = ++count;
    change(changes);
  } catch (error) {
    showError(error);
    setBusy(false);
  }
}

/** The picture's pixels. What this browser cannot read (TIFF, DICOM, arrays, windows) the server can. */
async function decoded(blob) {
  const upright = { imageOrientation: "from-image", colorSpaceConversion: "none" };
  const query = fileOptions();
  try {
    if (query.size) throw new Error("the browser knows no windows");
    return await createImageBitmap(blob, upright);
  } catch {
    query.set("model", session.model.name);
    const png = await api.file("picture", query, blob, "image/png");
    return createImageBitmap(png, upright);
  }
}

/** Opens one of the samples; with `sameClass`, the class that the state names is still explained. */
export async function openSample(name, sameClass = false) {
  interrupt();
  const { class: before } = state;
  const address = session.server.samples.find((s) => s.endsWith(`/${name}`));
  try {
    const response = await fetch(`.${address}`);
    await openPicture(await response.blob(), name, name);
    if (sameClass) change({ class: before });
  } catch (error) {
    showError(error);
    setBusy(false);
  }
}

/** Loads a model. */
export async function loadModel(name) {
  interrupt();
  session.model = await api.aboutModel(name);
  showModel();
  showLayers(session.model, chooseLayer);
  session.answer = undefined;
  forgetLayerMaps();
}
