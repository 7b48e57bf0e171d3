// Runs an exported model in the browser: computes the scores and the saliency map of a picture.
import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs";

/** Loads a model that `smoothcam export` wrote. */
export async function load(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return ort.InferenceSession.create(new Uint8Array(await response.arrayBuffer()));
}

/** Computes the scores and the map, row by row, of an input (1, C, H, W). */
export async function explain(session, values, shape) {
  const results = await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", values, shape) });
  const [, height, width] = results.saliency.dims;
  return { scores: results[session.outputNames[0]].data, map: results.saliency.data, height, width };
}

/** Converts scores to probabilities. */
export function softmax(scores) {
  const highest = Math.max(...scores);
  const powers = Array.from(scores, (s) => Math.exp(s - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}

/** Scales a picture so that its shorter edge has `shortest` pixels, and crops its middle to a canvas of `size` pixels. */
export function crop(picture, shortest, size) {
  const scale = shortest / Math.min(picture.width, picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, (size - width) / 2, (size - height) / 2, width, height);
  return canvas;
}

/** Converts a square canvas to an input (1, 3, size, size): colours from 0 to 1, normalised by channel. */
export function tensor(canvas, mean, std) {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const values = new Float32Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      values[c * width * height + i] = (data[4 * i + c] / 255 - mean[c]) / std[c];
    }
  }
  return values;
}
