// Saves what the page shows as a file.

import { file } from "./api.js";
import { el } from "./dom.js";
import { drawingOptions, options } from "./state.js";

/** How long a saved file stays in memory, in milliseconds: the browser may take it later. */
const LIFETIME = 60_000;

/** Saves what is shown of a picture: `kind` is overlay, heatmap, arrays or record. */
export async function save(kind, { name, blob: picture }) {
  const stem = name.replace(/\.[^.]*$/, "");
  const [ending, accept, query] = {
    overlay: ["smoothcam.png", "image/png", drawingOptions()],
    heatmap: ["heatmap.png", "image/png", drawingOptions({ view: "heatmap", regions: "" })],
    arrays: ["arrays.npz", "application/x-npz", options()],
    record: ["record.json", "application/json", drawingOptions({ colormap: "", opacity: "" })],
  }[kind];
  const blob = await file("explain", query, picture, accept);
  const link = el("a", { href: URL.createObjectURL(blob), download: `${stem}-${ending}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), LIFETIME);
}
