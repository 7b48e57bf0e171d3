// Draws maps, with the same colours, interpolation and blending as the server's PNG files.

/** The colours of 0 to 1, by name, and the colours of -1 to 1, as the server describes them. */
export const colors = { of: new Map(), diverging: [] };

/** How much the colour covers the picture, 0 to 1, where evidence has this strength, 0 to 1: it rises quickly, but not so
 *  quickly that cells show. */
const coverage = (strength) => strength * (2 - strength);

/** Where the centre of each of `size` pixels lies among the centres of `cells` cells over
 *  `start` to `start + length`; null outside. */
function positions(size, start, length, cells) {
  return Array.from({ length: size }, (_, at) => {
    const along = (at + 0.5 - start) / length;
    if (along < 0 || along > 1) return null;
    const position = Math.min(Math.max(along * cells - 0.5, 0), cells - 1);
    const before = Math.floor(position);
    return { before, after: Math.min(before + 1, cells - 1), share: position - before };
  });
}

const mix = (a, b, share) => a * (1 - share) + b * share;

/** The greatest magnitude of a map (rows of numbers), and whether it has negative values. */
export function extent(map) {
  let peak = 0;
  let signed = false;
  for (const row of map) for (const x of row) {
    peak = Math.max(peak, Math.abs(x));
    signed ||= x < 0;
  }
  return { peak, signed };
}

/** Draws `map` over the rectangle `seen` of the pixels `base` (ImageData) into `context`: laid over
 *  them (view "overlay"), alone ("heatmap"), or not at all ("picture"). */
export function drawMap(context, base, map, seen, { view, colormap, opacity }) {
  const { width, height } = base;
  const image = new ImageData(new Uint8ClampedArray(base.data), width, height);
  if (map && view !== "picture") {
    const { peak, signed } = extent(map);
    const table = signed ? colors.diverging : colors.of.get(colormap);
    const across = positions(width, seen.x, seen.width, map[0].length);
    const down = positions(height, seen.y, seen.height, map.length);
    const pixels = image.data;
    for (let y = 0; y < height; y++) {
      const v = down[y];
      for (let x = 0; x < width; x++) {
        const at = 4 * (y * width + x);
        const h = across[x];
        if (!v || !h) {
          unseen(pixels, at, view);
          continue;
        }
        const above = mix(map[v.before][h.before], map[v.before][h.after], h.share);
        const below = mix(map[v.after][h.before], map[v.after][h.after], h.share);
        const value = peak > 0 ? mix(above, below, v.share) / peak : 0;
        const color = table[Math.round((signed ? (value + 1) / 2 : value) * 255)] ?? table[255];
        const alpha = view === "heatmap" ? 1 : opacity * coverage(Math.abs(value));
        for (let c = 0; c < 3; c++) pixels[at + c] = Math.round(mix(pixels[at + c], color[c], alpha));
      }
    }
  }
  context.putImageData(image, 0, 0);
}

/** Greys and darkens a pixel that the model did not see; where the map stands alone, it becomes light grey. */
function unseen(pixels, at, view) {
  const grey = (pixels[at] + pixels[at + 1] + pixels[at + 2]) / 3;
  for (let c = 0; c < 3; c++) {
    pixels[at + c] = view === "heatmap" ? 232 : Math.round((pixels[at + c] * 0.4 + grey * 0.6) * 0.72);
  }
}

/** Draws each cell of a map as one pixel. */
export function drawCells(canvas, map, colormap) {
  const { peak, signed } = extent(map);
  canvas.width = map[0].length;
  canvas.height = map.length;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const table = signed ? colors.diverging : colors.of.get(colormap);
  map.flat().forEach((x, i) => {
    const value = peak > 0 ? x / peak : 0;
    image.data.set([...table[Math.round((signed ? (value + 1) / 2 : value) * 255)], 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
}

/** Draws regions: boxes with their numbers, white with black edges. `scale` is the size of the drawing by that of the
 *  picture. */
export function drawRegions(context, regions, scale) {
  const unit = Math.max(1, Math.round(Math.min(context.canvas.width, context.canvas.height) / 400));
  context.font = `bold ${13 * unit}px system-ui, sans-serif`;
  context.textBaseline = "top";
  for (const [i, region] of regions.entries()) {
    const [x, y, w, h] = ["x", "y", "width", "height"].map((key) => region.box[key] * scale);
    for (const [style, width] of [["#000", 3 * unit], ["#fff", unit]]) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.strokeRect(x + unit, y + unit, w - 2 * unit, h - 2 * unit);
    }
    const text = `${i + 1}  ${Math.round(100 * region.share)} %`;
    const [wide, high] = [context.measureText(text).width + 8 * unit, 18 * unit];
    // Above the box, else below it, so that the label hides nothing of it; inside if the box is as high as the picture.
    const below = y + h + high <= context.canvas.height ? y + h : y;
    const top = y >= high ? y - high : below;
    const left = Math.max(0, Math.min(x, context.canvas.width - wide));
    context.fillStyle = "#000";
    context.fillRect(left, top, wide, high);
    context.fillStyle = "#fff";
    context.fillText(text, left + 4 * unit, top + 3 * unit);
  }
}
