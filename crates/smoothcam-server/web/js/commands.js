// Shows the command line and the HTTP request that give what the page shows.

import { $ } from "./dom.js";
import { drawingOptions } from "./state.js";
import { pageOptions } from "./table.js";

/** A word of a shell's command line. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** The words of an option on the command line. */
function flag({ name, kind }, value) {
  // There, regions are drawn as boxes, and their threshold is an option of its own.
  if (name === "regions") return ["--boxes", "--threshold", value];
  const word = `--${name.replaceAll("_", "-")}`;
  return kind === "flag" ? [word] : [word, value];
}

/** Shows both for a model and the name of a picture. */
export function showCommands(model, name) {
  $("command").textContent = command(model, name).map(quoted).join(" ");
  const query = drawingOptions().toString();
  const address = `${new URL("explain", document.baseURI)}${query && `?${query}`}`;
  $("curl").textContent = `curl --data-binary ${quoted(`@${name}`)} -H 'Accept: image/png' -o map.png ${quoted(address)}`;
}

/** The words of the command line. */
function command(model, name) {
  const options = drawingOptions();
  const words = ["smoothcam", "explain", name];
  if (!model.built_in) words.push("--model", `${model.name}.onnx`);
  for (const option of pageOptions()) {
    if (options.has(option.name)) words.push(...flag(option, options.get(option.name)));
  }
  return words;
}
