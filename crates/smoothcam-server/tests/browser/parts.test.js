// Tests feature maps and neurons, by pointer and by keyboard; screen readers, phones, light and dark.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { addressOptions, difference, launch, open, serve, settled } from "./server.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const LAYER = "?picture=cat.png&layer=blocks.10&samples=2";

let server, browser;
before(async () => {
  server = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.end();
});

const flow = (name, query, body, context) => test(name, async () => {
  const page = await open(browser, server.address, query, context);
  try {
    await settled(page);
    await body(page);
    assert.deepEqual(page.failures, []);
  } finally {
    await page.context().close();
  }
});

const same = async (page, query) => assert.ok(await difference(page, `layer=blocks.10&samples=2&${query}`) <= 4, query);

flow("feature maps are sorted by weight, and left out and added again", LAYER, async (page) => {
  const weights = await page.$$eval("#gallery .quiet", (all) => all.map((w) => Math.abs(Number(w.lastChild.textContent))));
  assert.equal(weights.length, 48);
  assert.deepEqual(weights, weights.toSorted((a, b) => b - a));
  const first = Number(await page.getAttribute("#gallery button", "data-map"));
  await page.click(`#gallery [data-map="${first}"]`);
  await settled(page);
  const others = `0-${first - 1},${first + 1}-111`;
  assert.equal(addressOptions(page).maps, others);
  assert.equal(await page.getAttribute(`#gallery [data-map="${first}"]`, "aria-pressed"), "false");
  await same(page, `maps=${others}`);
  await page.click("#maps-none");
  await page.waitForSelector("#alert:not([hidden])");
  await page.click(`#gallery [data-map="${first}"]`);
  await settled(page);
  assert.equal(addressOptions(page).maps, `${first}`);
  await same(page, `maps=${first}`);
  await page.click("#more");
  await page.waitForFunction(() => document.querySelectorAll("#gallery button").length === 96);
  await page.look("maps");
});

flow("neurons are chosen by dragging a rectangle and by clicking cells", LAYER, async (page) => {
  await page.click("#choose");
  assert.equal(await page.locator("#cells button").count(), 14 * 14);
  await page.locator("#stage").scrollIntoViewIfNeeded();
  const box = await page.locator("#cells").boundingBox();
  const at = (row, column) => [box.x + ((column + 0.5) * box.width) / 14, box.y + ((row + 0.5) * box.height) / 14];
  await page.mouse.move(...at(2, 3));
  await page.mouse.down();
  await page.mouse.move(...at(5, 8), { steps: 4 });
  await page.look("dragging");
  await page.mouse.up();
  await settled(page);
  assert.equal(addressOptions(page).neurons, "2-5,3-8");
  await page.mouse.click(...at(3, 4));
  await page.mouse.click(...at(10, 10));
  await settled(page);
  assert.equal(addressOptions(page).neurons, "2,3-8 3,3 3,5-8 4-5,3-8 10,10");
  await same(page, `neurons=${encodeURIComponent(addressOptions(page).neurons)}`);
  await page.look("neurons");
  await page.click("#neurons-all");
  await settled(page);
  assert.equal(addressOptions(page).neurons, undefined);
});

flow("neurons are chosen by keyboard", LAYER, async (page) => {
  await page.focus("#choose");
  await page.keyboard.press("Enter");
  for (const key of ["ArrowDown", "ArrowRight", "Shift+ArrowDown", "Shift+ArrowRight", "Space"]) await page.keyboard.press(key);
  await settled(page);
  assert.equal(addressOptions(page).neurons, "1-2,1-2");
  await page.keyboard.press("Space");
  await settled(page);
  assert.equal(addressOptions(page).neurons, "1,1-2 2,1");
  await page.keyboard.press("Escape");
  assert.ok(await page.isHidden("#cells"));
});

flow("fine grids are chosen in blocks", "?picture=cat.png&layer=blocks.2&samples=1", async (page) => {
  await page.click("#choose");
  assert.equal(await page.locator("#cells button").count(), 28 * 28);
  await page.locator("#cells button").nth(28 + 1).click();
  await settled(page);
  assert.equal(addressOptions(page).neurons, "2-3,2-3");
});

flow("everything can be reached by keyboard, in order", LAYER, async (page) => {
  await page.focus("body");
  const reached = new Set();
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.name || document.activeElement.className));
  }
  for (const id of ["model", "file", "view", "opacity", "colormap", "choose", "prediction", "class", "method", "samples"]) {
    assert.ok(reached.has(id), `${id} is not among ${[...reached]}`);
  }
});

for (const [name, context] of [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["phone", { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }],
]) {
  flow(`nothing bars people with disabilities: ${name}`, `${LAYER}&compare=layers&regions=0.5`, async (page) => {
    await page.click("#choose");
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(" ")}`), []);
    const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(content <= window, `${content} pixels in ${window}`);
    await page.look(name);
  }, context);
}

flow("a finger chooses neurons", "?picture=cat.png", async (page) => {
  await page.tap("#choose");
  await page.locator("#cells button").nth(10).tap();
  await settled(page);
  assert.equal(addressOptions(page).neurons, "1,3");
}, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
