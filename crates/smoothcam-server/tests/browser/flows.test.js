// Tests what people do with the page: pictures, classes, methods, layers, noise, comparing, saving.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { ROOT, addressOptions, choose, cli, difference, launch, open, serve, settled } from "./server.js";

let server, browser;
before(async () => {
  server = await serve("--max-samples", "10000", "--model", "efficientnet-lite0=models/efficientnet-lite0/model.onnx", "--model", "models/digits/model.onnx");
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.end();
});

/** A test with a page of its own. */
const flow = (name, query, body) => test(name, async () => {
  const page = await open(browser, server.address, query);
  try {
    await body(page);
    assert.deepEqual(page.failures, []);
    for (const address of page.addresses) assert.match(address, new RegExp(`^(${server.address}|blob:|data:)`));
  } finally {
    await page.context().close();
  }
});

/** Checks that what is shown is what the server draws: but for rounding, the next of 256 colours. */
const same = async (page, query) => {
  const most = await difference(page, query);
  assert.ok(most <= 4, `${query}: ${most} levels apart`);
};

const text = (page, selector) => page.textContent(selector);

flow("a sample is explained, and drawn as the server draws it", "", async (page) => {
  await page.look("empty");
  await choose(page);
  assert.match(await text(page, "#predictions"), /tiger cat.*39\.5 %/s);
  assert.match(await text(page, "#status"), /^Explained tiger cat: Smooth Grad-CAM\+\+ at/);
  await same(page, "");
  await page.look("explained");
  await page.locator("#opacity").fill("0.35");
  await page.selectOption("#colormap", "viridis");
  await settled(page);
  await same(page, "opacity=0.35&colormap=viridis");
  await page.check("[name=view][value=heatmap]", { force: true });
  await same(page, "view=heatmap&colormap=viridis");
  await page.check("#signed");
  await settled(page);
  await same(page, "view=heatmap&signed=true&colormap=viridis");
  assert.deepEqual(addressOptions(page), { picture: "cat.png", signed: "true", colormap: "viridis", opacity: "0.35", view: "heatmap" });
});

flow("pictures are chosen, dropped, pasted and photographed", "", async (page) => {
  await page.setInputFiles("#file", `${ROOT}examples/cup.jpg`);
  await settled(page);
  assert.match(await text(page, "#predictions"), /espresso|cup/);
  const give = (kind) => page.evaluate(async (kind) => {
    const blob = await (await fetch("samples/rocket.jpg")).blob();
    const data = new DataTransfer();
    data.items.add(new File([blob], `${kind}.jpg`, { type: "image/jpeg" }));
    document.body.dispatchEvent(kind === "drop"
      ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
      : new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, kind);
  for (const kind of ["drop", "paste"]) {
    await give(kind);
    await settled(page);
    assert.equal(addressOptions(page).picture, `${kind}.jpg`);
    assert.match(await text(page, "#predictions"), /missile|projectile/);
  }
  await page.click("#camera");
  await page.waitForFunction(() => document.getElementById("video").videoWidth > 0);
  await page.look("camera");
  await page.click("#shoot");
  await page.waitForURL(/camera\.png/);
  await settled(page);
  assert.equal(addressOptions(page).picture, "camera.png");
});

flow("the server reads what the browser cannot", "", async (page) => {
  await page.setInputFiles("#file", { name: "zeros.npy", mimeType: "application/octet-stream", buffer: npy([1, 3, 224, 224]) });
  await settled(page);
  assert.equal(await page.evaluate(() => document.getElementById("picture").width), 224);
  assert.match(await text(page, "#status"), /^Explained/);
});

flow("small pictures are drawn large, and windows are the server's", "?model=digits", async (page) => {
  const url = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 28, height: 20 });
    const context = canvas.getContext("2d");
    for (let x = 0; x < 28; x++) {
      context.fillStyle = `rgb(${9 * x}, ${200 - 5 * x}, 120)`;
      context.fillRect(x, x % 7, 1, 14);
    }
    return canvas.toDataURL();
  });
  await page.setInputFiles("#file", { name: "small.png", mimeType: "image/png", buffer: Buffer.from(url.split(",")[1], "base64") });
  await settled(page);
  assert.equal(await page.evaluate(() => document.getElementById("picture").width), 448);
  assert.ok(await difference(page, "model=digits", url) <= 4);
  await page.click("summary:has-text('file is read')");
  await page.fill("#window", "100,140");
  await page.press("#window", "Enter");
  await settled(page);
  assert.match(await text(page, "#notes"), /from 100 to 140/);
  assert.ok(await difference(page, "model=digits&window=100,140", url) <= 4);
});

flow("a file that is not a picture is refused in words", "", async (page) => {
  await page.setInputFiles("#file", { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no picture") });
  await page.waitForSelector("#alert:not([hidden])");
  assert.match(await text(page, "#alert"), /picture/);
  await choose(page);
  assert.ok(await page.isHidden("#alert"), await text(page, "#alert"));
  await page.fill("#layer", "block.99");
  await page.press("#layer", "Enter");
  await page.waitForSelector("#alert:not([hidden])");
  assert.match(await text(page, "#alert"), /no layer 'block\.99'.*nearest/s);
  await page.look("refused");
});

flow("another class, by a click and by name", "", async (page) => {
  await choose(page);
  await page.click("#predictions label >> nth=1");
  await settled(page);
  assert.equal(addressOptions(page).class, "285");
  await same(page, "class=285");
  await page.fill("#class", "golden retriever");
  await page.press("#class", "Enter");
  await settled(page);
  assert.equal(addressOptions(page).class, "207");
  assert.match(await text(page, "#predictions"), /golden retriever/);
});

flow("methods, noise and seed", "", async (page) => {
  await choose(page);
  await page.selectOption("#method", "grad-cam");
  await settled(page);
  assert.ok(await page.isDisabled("#seed"));
  await page.fill("#samples", "3");
  await page.press("#samples", "Enter");
  await settled(page);
  await page.fill("#seed", "7");
  await page.press("#seed", "Enter");
  await page.fill("#sigma", "0.3");
  await page.press("#sigma", "Enter");
  await page.fill("#layer", "blocks.10");
  await page.press("#layer", "Enter");
  await settled(page);
  await same(page, "method=grad-cam&samples=3&seed=7&sigma=0.3&layer=blocks.10");
  await page.selectOption("#method", "sensitivity");
  await settled(page);
  assert.deepEqual(addressOptions(page), { picture: "cat.png", method: "sensitivity", seed: "7" });
  assert.ok(await page.isDisabled("#layer"));
  await page.selectOption("#method", "smooth-grad-cam++");
  await page.click("#auto");
  await settled(page);
  assert.match(await text(page, "#facts"), /error/);
});

flow("controls have the defaults, limits and help of the table of options", "", async (page) => {
  await settled(page);
  const { options, methods } = await page.evaluate(async () => (await fetch("about")).json());
  const shown = options.filter((option) => option.page);
  assert.ok(shown.length > 10);
  for (const { name, help, kind, values, min, max, default: value, default_in_words: words } of shown) {
    const controls = await page.$$eval(`[data-option="${name}"]`, (all) => all.map((c) => ({
      tag: c.tagName, type: c.type, title: c.title, value: c.value, checked: c.checked, min: c.min, max: c.max,
      placeholder: c.placeholder, values: c.tagName === "SELECT" ? [...c.options].map((o) => o.value) : [] })));
    assert.ok(controls.length > 0, `${name} has no control`);
    for (const control of controls) {
      const about = JSON.stringify({ name, ...control });
      assert.equal(control.title, help, about);
      if (control.tag === "SELECT" && kind === "choice") assert.deepEqual([control.values, control.value], [values, value], about);
      if (control.type === "radio") assert.equal(control.checked, control.value === value, about);
      if (control.type === "checkbox") assert.equal(control.checked, false, about);
      if (control.type === "range") assert.equal(control.value, value, about);
      if (["text", "number"].includes(control.type)) {
        const usual = name === "samples" ? String(methods[0].samples) : words;
        assert.deepEqual([control.value, control.placeholder], ["", usual], about);
      }
      if (["number", "range"].includes(control.type)) assert.deepEqual([control.min, control.max], [min, max].map((x) => String(x ?? "")), about);
    }
  }
  await choose(page);
  const address = page.url();
  for (const refused of ["0", "-1", "11"]) {
    await page.fill("#sigma", refused);
    await page.press("#sigma", "Enter");
    assert.equal(await page.$eval("#sigma", (field) => field.validity.valid), false, refused);
  }
  assert.equal(page.url(), address);
  assert.match(await page.$eval("#sigma", (field) => { field.value = 0; field.dispatchEvent(new Event("change")); return field.validationMessage; }),
    /above 0, at most 10/);
});

flow("layers have maps, are chosen, and are fused", "?picture=cat.png", async (page) => {
  await settled(page);
  const drawn = () => page.$$eval("#layers canvas", (all) => all.filter((c) => c.width > 1).length);
  assert.ok(await drawn() > 10);
  await page.click('#layers [data-layer="/blocks.10/Add_output_0"]');
  await settled(page);
  await same(page, "layer=blocks.10");
  await page.click('#layers [data-layer="/relu6_1/Clip_output_0"]', { modifiers: ["Shift"] });
  await settled(page);
  assert.equal(addressOptions(page).layer, "/blocks.10/Add_output_0+/relu6_1/Clip_output_0");
  await same(page, "layer=blocks.10%2Brelu6_1");
  assert.equal(await page.locator("#layers [aria-pressed=true]").count(), 2);
});

// Whatever the machine, it does these few steps in less time than ten thousand passes through the network.
flow("the map sharpens as samples come, and can be stopped", "?picture=cat.png&layer=blocks.10&samples=10000", async (page) => {
  const pixels = () => page.evaluate(() => document.getElementById("picture").toDataURL());
  await page.waitForFunction(() => document.getElementById("progress").value > 3);
  const early = await pixels();
  const done = await page.evaluate(() => document.getElementById("progress").value);
  await page.waitForFunction((done) => document.getElementById("progress").value > done + 3, done);
  assert.notEqual(await pixels(), early);
  await page.look("sharpening");
  await page.click("#stop");
  await settled(page);
  const { samples } = addressOptions(page);
  assert.ok(Number(samples) > 3 && Number(samples) < 10000, samples);
  assert.match(await text(page, "#notes"), new RegExp(`stopped after ${samples} `));
  await same(page, `layer=blocks.10&samples=${samples}`);
});

flow("methods and layers side by side", "?picture=cats.jpg", async (page) => {
  await settled(page);
  await page.click("#compare-methods");
  await page.waitForFunction(() => document.querySelectorAll("#compare canvas").length >= 8);
  await page.look("methods");
  await page.click("#compare button:has-text('LayerCAM')");
  await settled(page);
  assert.equal(addressOptions(page).method, "layer-cam");
  await page.click("#compare-layers");
  await page.waitForFunction(() => document.querySelectorAll("#compare canvas").length >= 4);
  await settled(page);
  await page.look("layers");
});

flow("regions are boxed and listed", "?picture=cats.jpg&layer=blocks.14&regions=0.5", async (page) => {
  await settled(page);
  assert.ok(await page.locator("#regions li").count() >= 1);
  assert.match(await text(page, "#regions"), /% of the map, \d+×\d+ pixels/);
  await page.look("regions");
  await page.uncheck("#regions-on");
  await settled(page);
  assert.ok(await page.isHidden("#regions"));
});

flow("another model", "?picture=cat.png", async (page) => {
  await settled(page);
  await page.selectOption("#model", "digits");
  await settled(page);
  assert.equal(addressOptions(page).model, "digits");
  assert.match(await text(page, "#command"), /--model digits\.onnx/);
  await same(page, "model=digits");
});

flow("what is saved is what the command line makes", "?picture=cat.png&layer=blocks.10&maps=0-40&neurons=2-8,3-9&samples=2&class=281&seed=5", async (page) => {
  await settled(page);
  const saved = async (kind) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(`[data-save=${kind}]`)]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
  };
  const overlay = await saved("overlay");
  assert.equal(overlay.name, "cat-smoothcam.png");
  const command = await text(page, "#command");
  const words = command.match(/'[^']*'|\S+/g).map((word) => word.replaceAll("'", ""));
  const out = `${ROOT}target/browser/cli.png`;
  const rest = words.slice(3).map((w) => (w === "efficientnet-lite0.onnx" ? "models/efficientnet-lite0/model.onnx" : w));
  cli("explain", `examples/${words[2]}`, "-o", out, "--engine", "rten", ...rest);
  assert.ok(overlay.bytes.equals(readFileSync(out)));
  const record = JSON.parse((await saved("record")).bytes);
  assert.equal(record.record.noise.seed, 5);
  assert.equal((await saved("arrays")).bytes.subarray(0, 2).toString(), "PK");
  assert.equal((await saved("heatmap")).name, "cat-heatmap.png");
});

flow("a link to a picture of one's own asks for it", "?picture=scan.png&method=grad-cam", async (page) => {
  await settled(page);
  assert.match(await text(page, "#status"), /'scan\.png'/);
});

test("a server with a token asks for it once", async () => {
  const guarded = await serve("--token-file", "crates/smoothcam-server/tests/browser/token.txt");
  const page = await open(browser, guarded.address);
  try {
    await page.fill("#token", "secret-of-the-test");
    await page.press("#token", "Enter");
    await choose(page);
    assert.match(await text(page, "#status"), /^Explained/);
  } finally {
    await page.context().close();
    guarded.end();
  }
});

/** A NumPy file of zeros. */
function npy(shape) {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`.padEnd(117) + "\n";
  const head = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]);
  return Buffer.concat([head, Buffer.from(header), Buffer.alloc(4 * shape.reduce((a, b) => a * b))]);
}
