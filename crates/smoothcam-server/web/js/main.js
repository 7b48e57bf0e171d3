// Starts the page: loads the server's description and the model, and shows what the address says.

import { about } from "./api.js";
import { listenToButtons } from "./buttons.js";
import { $, el } from "./dom.js";
import { colors } from "./draw.js";
import { show } from "./explain.js";
import { listenToFields } from "./fields.js";
import { listenToCells } from "./neurons.js";
import { loadModel, openPicture, openSample } from "./pictures.js";
import { session } from "./session.js";
import { listenToSources, showSamples } from "./sources.js";
import { readAddress, state } from "./state.js";
import { setBusy, setStatus, showError } from "./status.js";
import { fillControls } from "./table.js";

async function start() {
  const server = session.server = await about();
  fillControls();
  readAddress();
  colors.diverging = server.diverging;
  for (const { name, colors: table } of server.colormaps) colors.of.set(name, table);
  $("version").textContent = server.version;
  $("model").replaceChildren(...server.models.map((name) => el("option", { value: name, textContent: name })));
  await loadModel(state.model || server.models[0]);
  listenToSources(openPicture);
  listenToFields();
  listenToButtons();
  listenToCells();
  showSamples(server.samples, openSample);
  const linked = state.picture;
  show();
  if (server.samples.some((s) => s.endsWith(`/${linked}`))) await openSample(linked, true);
  else setBusy(false);
  if (linked && !session.picture) setStatus(`This link is to a view of '${linked}': choose that picture to see it.`);
}

start().catch(showError);
