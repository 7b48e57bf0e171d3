// Shows the picture with its map.

import { $, percent } from "./dom.js";
import { drawMap, drawRegions } from "./draw.js";
import { valueOf } from "./state.js";

/** The most pixels that are drawn: more would make the sliders slow. */
const PIXELS = 2e6;

const canvas = $("picture");
const context = canvas.getContext("2d", { willReadFrequently: true });

/** What is shown: the picture's pixels, their scale, its map over the rectangle seen, its regions. */
const shown = { base: null, scale: 1, map: null, seen: null, regions: null };

/** How many times as wide and high a small picture is drawn; 0 for one that is not small. `draw` of the library does the
 *  same. */
function enlargement({ width, height }) {
  const longer = Math.max(width, height);
  return longer < 224 ? Math.floor(448 / longer) : 0;
}

/** Shows a decoded picture (ImageBitmap), without a map. */
export function showPicture(bitmap, name) {
  const scale = enlargement(bitmap) || Math.min(1, Math.sqrt(PIXELS / (bitmap.width * bitmap.height)));
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.style.setProperty("--ratio", bitmap.width / bitmap.height);
  // What is transparent is white to the model, too.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = scale <= 1;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const base = context.getImageData(0, 0, canvas.width, canvas.height);
  Object.assign(shown, { base, scale, map: null, seen: null, regions: null });
  canvas.setAttribute("aria-label", name);
  $("empty").hidden = true;
}

/** Shows a map (rows) over the rectangle of the picture that the model saw. */
export function showMap(map, seen, regions) {
  Object.assign(shown, { map, seen, regions });
  draw();
}

/** How a map is drawn, as the state says. */
const style = () => ({ view: valueOf("view"), colormap: valueOf("colormap"), opacity: Number(valueOf("opacity")) });

/** Draws again, as the state says. */
export function draw() {
  if (!shown.base) return;
  drawMap(context, shown.base, shown.seen && shown.map, scaledSeen(), style());
  if (shown.regions && valueOf("view") !== "picture") drawRegions(context, shown.regions, shown.scale);
}

/** The rectangle that the model saw, in the pixels drawn. */
function scaledSeen() {
  if (!shown.seen) return null;
  const { x, y, width, height } = shown.seen;
  return { x: x * shown.scale, y: y * shown.scale, width: width * shown.scale, height: height * shown.scale };
}

/** The same picture with another map, for a card. */
export function drawCard(card, map, seen) {
  card.width = canvas.width;
  card.height = canvas.height;
  const { scale } = shown;
  const box = { x: seen.x * scale, y: seen.y * scale, width: seen.width * scale, height: seen.height * scale };
  drawMap(card.getContext("2d"), shown.base, map, box, { ...style(), view: "overlay" });
}

/** The rectangle that the model saw, in pixels of the screen, relative to the stage. */
export function seenOnScreen() {
  const seen = scaledSeen();
  if (!seen) return null;
  const [box, stage] = [canvas.getBoundingClientRect(), $("stage").getBoundingClientRect()];
  const [across, down] = [box.width / canvas.width, box.height / canvas.height];
  return {
    left: box.left - stage.left + seen.x * across,
    top: box.top - stage.top + seen.y * down,
    width: seen.width * across,
    height: seen.height * down,
  };
}

/** Says what the picture shows, for those who do not see it. */
export function describe(text) {
  canvas.setAttribute("aria-label", text);
}

/** Lists regions in words. */
export function listRegions(regions) {
  const list = $("regions");
  list.hidden = !regions;
  list.replaceChildren(...(regions ?? []).map(({ box, share }) => {
    const item = document.createElement("li");
    item.textContent = `${percent(share, 0)} of the map, ${box.width}×${box.height} pixels from column ${box.x} and row ${box.y} on`;
    return item;
  }));
  if (regions?.length === 0) list.textContent = "No region holds 1 % of the map or more.";
}
