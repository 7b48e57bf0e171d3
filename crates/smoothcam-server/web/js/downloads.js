// Downloads, and how to do the same elsewhere.

import { file } from "./api.js";
import { $, el } from "./dom.js";
import { options, state } from "./state.js";

/** A word of a shell's command line. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** Flags of the command line, by option. */
const FLAGS = [["method", "--method"], ["layer", "--layer"], ["class", "--class"], ["samples", "--samples"],
  ["sigma", "--sigma"], ["seed", "--seed"], ["maps", "--maps"], ["neurons", "--neurons"]];

/** Shows the command line and the HTTP request that give what is shown. */
export function showCommands(model, name) {
  const asked = options();
  const words = ["smoothcam", "explain", name];
  if (!model.built_in) words.push("--model", `${model.name}.onnx`);
  for (const [key, flag] of FLAGS) if (asked.has(key)) words.push(flag, asked.get(key));
  if (asked.has("signed")) words.push("--signed");
  if (state.regions) words.push("--boxes", "--threshold", state.regions);
  if (state.colormap !== "turbo") words.push("--colormap", state.colormap);
  if (state.opacity !== "0.7") words.push("--opacity", state.opacity);
  $("command").textContent = words.map(quoted).join(" ");
  const query = drawn().toString();
  const address = `${new URL("explain", document.baseURI)}${query && `?${query}`}`;
  $("curl").textContent = `curl --data-binary ${quoted(`@${name}`)} -H 'Accept: image/png' -o map.png ${quoted(address)}`;
}

/** The options of a picture as it is drawn. */
function drawn(replaced = {}) {
  const asked = options();
  const { colormap, opacity, regions } = state;
  const all = { colormap: colormap === "turbo" ? "" : colormap, opacity: opacity === "0.7" ? "" : opacity, regions, ...replaced };
  for (const [key, value] of Object.entries(all)) if (value !== "") asked.set(key, value);
  return asked;
}

/** Saves what is shown: `kind` is overlay, heatmap, arrays or record. */
export async function save(kind, name, body) {
  const stem = name.replace(/\.[^.]*$/, "");
  const [ending, accept, asked] = {
    overlay: ["smoothcam.png", "image/png", drawn()],
    heatmap: ["heatmap.png", "image/png", drawn({ view: "heatmap", regions: "" })],
    arrays: ["arrays.npz", "application/x-npz", options()],
    record: ["record.json", "application/json", drawn({ colormap: "", opacity: "" })],
  }[kind];
  const blob = await file("explain", asked, body, accept);
  const link = el("a", { href: URL.createObjectURL(blob), download: `${stem}-${ending}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
