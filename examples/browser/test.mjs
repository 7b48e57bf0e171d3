// Tests the page in Chromium: npm test [CASE]
// The page must classify and explain examples/cat.png, and must not send requests to other hosts. With a case of
// `tools/check_exports --keep`, its map must be that of `smoothcam explain`. CHROMIUM is the path of the browser.
import assert from "node:assert/strict";
import { createReadStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { delimiter, dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2];
const types = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

/** Serves this folder, and the case under /case. */
const server = createServer((request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
  const file = path.startsWith("/case/") ? join(folder, path.slice(6)) : join(here, path === "/" ? "index.html" : path);
  if (!existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const origin = `http://127.0.0.1:${server.address().port}`;

const places = (process.env.PATH ?? "").split(delimiter).flatMap((p) => ["chromium", "google-chrome"].map((n) => join(p, n)));
const executablePath = process.env.CHROMIUM ?? places.find(existsSync);
assert(executablePath, "Chromium was not found: set CHROMIUM to its path");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage();
  const foreign = [];
  page.on("request", (request) => {
    const url = request.url();
    if (!/^(data|blob):/.test(url) && !url.startsWith(origin)) foreign.push(url);
  });
  page.on("pageerror", (error) => { throw error; });
  await page.goto(origin);
  await page.waitForSelector("#file:enabled", { timeout: 60_000 });
  await page.setInputFiles("#file", join(here, "../cat.png"));
  await page.waitForFunction(() => /Explained|cannot/.test(document.getElementById("status").textContent), null, { timeout: 120_000 });
  console.log(await page.textContent("#status"));
  const first = await page.textContent("#classes tr:first-child");
  console.log(first);
  assert.match(first, /cat|tabby/, "it is a cat");
  // The map is drawn on the canvas: it is red in some places and not in others.
  const [most, least] = await page.evaluate(() => {
    const canvas = document.getElementById("picture");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const excess = [];
    for (let i = 0; i < data.length; i += 4) excess.push(data[i] - data[i + 2]);
    return [Math.max(...excess), Math.min(...excess)];
  });
  assert(most > 150 && least < 100, `a map with high and low places: ${most}, ${least}`);
  if (folder) {
    const { shape } = JSON.parse(await readFile(join(folder, "case.json"), "utf8"));
    const error = await page.evaluate(async (shape) => {
      const { explain, load } = await import("/explain.js");
      const floats = async (name) => new Float32Array(await (await fetch(`/case/${name}`)).arrayBuffer());
      const expected = await floats("map.f32");
      const { map } = await explain(await load("/case/explained.onnx"), await floats("input.f32"), shape);
      const peak = expected.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
      return expected.reduce((m, x, i) => Math.max(m, Math.abs(x - map[i])), 0) / peak;
    }, shape);
    console.log(`difference to the map of smoothcam explain: ${error.toExponential(1)} of its maximum`);
    assert(error <= 1e-4);
  }
  assert.deepEqual(foreign, [], "no requests to other hosts");
} finally {
  await browser.close();
  server.close();
}
