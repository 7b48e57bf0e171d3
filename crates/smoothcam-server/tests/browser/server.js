// Provides a server and a browser to test with.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

export const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
export const BINARY = process.env.SMOOTHCAM ?? `${ROOT}target/debug/smoothcam`;
const SHOTS = `${ROOT}target/browser/`;
mkdirSync(SHOTS, { recursive: true });

/** Starts `smoothcam serve`, which gives requests as much time as they need, and returns its address and how to end it. */
export async function serve(...flags) {
  const always = ["--listen", "127.0.0.1:0", "--log", "none", "--engine", "rten", "--time-limit", "86400"];
  const child = spawn(BINARY, ["serve", ...always, ...flags],
    { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, SMOOTHCAM_TOKEN: undefined } });
  for await (const line of createInterface(child.stdout)) {
    const address = /http:\/\/\S+/.exec(line);
    if (address) return { address: address[0], end: () => child.kill() };
  }
  throw new Error("smoothcam serve has ended");
}

/** A browser with a camera that shows a test picture. */
export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});

/** Opens a page of its own, which records the errors of its scripts. `look(name)` takes a screenshot. */
export async function open(browser, address, query = "", context = {}) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 1000 }, ...context })).newPage();
  // However slow the machine is.
  page.setDefaultTimeout(0);
  page.failures = [];
  page.addresses = [];
  // A page whose scripts have failed may never come to what a test waits for.
  page.on("pageerror", (error) => {
    console.error(error);
    page.failures.push(error.message);
    page.close();
  });
  page.on("request", (request) => page.addresses.push(request.url()));
  page.look = (name) => page.screenshot({ path: `${SHOTS}${name}.png`, fullPage: true });
  await page.goto(`${address}/${query}`);
  return page;
}

/** Waits until the page shows what its state says. From the very event by which a user changes the state until then the
 *  page is busy, so that this comes neither too early nor too late, however fast the machine is. */
export const settled = (page) => page.waitForFunction(() => document.getElementById("stage").ariaBusy === "false");

/** Chooses one of the samples. */
export async function choose(page, sample = "cat.png") {
  await page.click(`[data-sample="${sample}"]`);
  await settled(page);
}

/** The page's options, as its address has them. */
export const addressOptions = (page) => Object.fromEntries(new URL(page.url()).searchParams);

/** The largest difference between the pixels shown and those of a PNG that the server makes of a sample, or of the picture in
 *  a data URL. */
export const difference = (page, query, sample = "cat.png") => page.evaluate(async ([query, sample]) => {
  const inside = sample.split(",")[1];
  const blob = inside === undefined
    ? await (await fetch(`samples/${sample}`)).blob()
    : new Blob([Uint8Array.from(atob(inside), (c) => c.charCodeAt(0))]);
  const response = await fetch(`explain?${query}`, { method: "POST", body: blob, headers: { Accept: "image/png" } });
  if (!response.ok) throw new Error(await response.text());
  const bitmap = await createImageBitmap(await response.blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const expected = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
  const shown = document.getElementById("picture");
  if (shown.width !== bitmap.width || shown.height !== bitmap.height) throw new Error("another size");
  const found = shown.getContext("2d").getImageData(0, 0, bitmap.width, bitmap.height).data;
  return found.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i])), 0);
}, [query, sample]);

/** What the command line prints. */
export const cli = (...words) => execFileSync(BINARY, words, { cwd: ROOT, encoding: "utf8" });
