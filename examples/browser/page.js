// Shows the chosen picture with its map over it, and lists its classes.
import { crop, explain, load, softmax, tensor } from "./explain.js";

const find = (id) => document.getElementById(id);
const config = await (await fetch("config.json")).json();
const { mean, std, crop_pct, input_size: [, , size] } = config.pretrained_cfg;
const session = await load("model.onnx").catch((error) => {
  find("status").textContent = `The model cannot be loaded: ${error.message}`;
  throw error;
});
find("status").textContent = "Choose a picture. It does not leave this page.";
find("file").disabled = false;
find("file").onchange = ({ target }) => target.files[0] && show(target.files[0]);

/** Explains a picture file and shows the result. */
async function show(file) {
  find("status").textContent = "Explaining …";
  try {
    const canvas = crop(await createImageBitmap(file), Math.floor(size / crop_pct), size);
    const started = performance.now();
    const { scores, map, height, width } = await explain(session, tensor(canvas, mean, std), [1, 3, size, size]);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    draw(canvas, map, height, width);
    list(softmax(scores));
    find("status").textContent = `Explained in ${seconds} s. The colour shows what speaks for the first class.`;
  } catch (error) {
    find("status").textContent = `This picture cannot be explained: ${error.message}`;
  }
}

/** Draws the picture and over it, in colour, the map of values from 0 to 1. */
function draw(picture, map, height, width) {
  const layer = new OffscreenCanvas(width, height);
  const pixels = new ImageData(width, height);
  map.forEach((value, i) => {
    const [red, green] = [Math.min(1, 2 * value), Math.max(0, 2 * value - 1)];
    pixels.data.set([255 * red, 255 * green, 64 * (1 - red), 200 * value], 4 * i);
  });
  layer.getContext("2d").putImageData(pixels, 0, 0);
  const canvas = find("picture");
  [canvas.width, canvas.height, canvas.hidden] = [picture.width, picture.height, false];
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  context.drawImage(layer, 0, 0, picture.width, picture.height);
}

/** Lists the five most probable classes. */
function list(probabilities) {
  const classes = probabilities.map((p, i) => [p, config.label_names[i]]).sort((a, b) => b[0] - a[0]);
  find("classes").replaceChildren(...classes.slice(0, 5).map(([p, label]) => {
    const row = document.createElement("tr");
    for (const text of [`${(100 * p).toFixed(1)} %`, label]) row.insertCell().textContent = text;
    return row;
  }));
}
