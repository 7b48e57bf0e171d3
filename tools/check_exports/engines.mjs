// Checks exported models in onnxruntime-node, and in onnxruntime-web by WebAssembly:
//   python tools/check_exports --keep cases && node tools/check_exports/engines.mjs cases
// On each engine, the exported model must compute the source's outputs bit by bit, and the map of `smoothcam explain`.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import * as node from "onnxruntime-node";
import * as web from "onnxruntime-web";

const TOLERANCE = 1e-4;

const floats = async (path) => {
  const bytes = await readFile(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

const same = (a, b) =>
  a.length === b.length && Buffer.from(a.buffer, a.byteOffset, a.byteLength)
    .equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

async function check(ort, folder) {
  const { input, shape } = JSON.parse(await readFile(join(folder, "case.json"), "utf8"));
  const [picture, map] = [await floats(join(folder, "input.f32")), await floats(join(folder, "map.f32"))];
  const run = async (name) => {
    const session = await ort.InferenceSession.create(new Uint8Array(await readFile(join(folder, name))));
    const results = await session.run({ [input]: new ort.Tensor("float32", picture, shape) });
    await session.release();
    return results;
  };
  const [source, explained] = [await run("source.onnx"), await run("explained.onnx")];
  const equal = Object.keys(source).every((name) => same(source[name].data, explained[name].data));
  const found = explained.saliency.data;
  const peak = map.reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1;
  const error = map.reduce((most, x, i) => Math.max(most, Math.abs(x - found[i])), 0) / peak;
  return { equal, error, fits: found.length === map.length };
}

web.env.wasm.numThreads = 1;
let failed = 0;
for (const [name, ort] of [["onnxruntime-node", node], ["onnxruntime-web", web]]) {
  for (const entry of (await readdir(process.argv[2])).sort()) {
    const { equal, error, fits } = await check(ort, join(process.argv[2], entry));
    const fine = equal && fits && error <= TOLERANCE;
    failed += !fine;
    const predictions = equal ? "equal" : "differ";
    console.log(`${fine ? "ok    " : "FAILED"} ${name} ${entry}: predictions ${predictions}, error ${error.toExponential(1)}`);
  }
}
process.exit(failed > 0 ? 1 : 0);
