// Shows the command line and the HTTP request that give what the page shows.

import { $ } from "./dom.js";
import { drawingOptions } from "./state.js";

/** A word of a shell's command line. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** The flags that options become, whose values follow. */
const FLAGS = [["method", "--method"], ["layer", "--layer"], ["class", "--class"], ["samples", "--samples"],
  ["sigma", "--sigma"], ["seed", "--seed"], ["maps", "--maps"], ["neurons", "--neurons"], ["regions", "--boxes --threshold"],
  ["colormap", "--colormap"], ["opacity", "--opacity"]];

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
  for (const [key, flag] of FLAGS) if (options.has(key)) words.push(...flag.split(" "), options.get(key));
  if (options.has("signed")) words.push("--signed");
  return words;
}
