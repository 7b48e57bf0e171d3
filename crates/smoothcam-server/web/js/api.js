// Sends requests to the server.

import { $ } from "./dom.js";

/** An error in words for people, and a hint. */
export class Refusal extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** The answer to the question for the token, while it is open. */
let asking;

/** Asks the user for the token. Several requests at once ask once. */
function askForToken() {
  asking ??= new Promise((resolve) => {
    const dialog = $("token-dialog");
    dialog.addEventListener("close", () => {
      sessionStorage.setItem("token", $("token").value);
      asking = undefined;
      resolve();
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

const pause = (seconds, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); });
  });

/** Sends a request and returns the response unless it is refused. Tries again later where the server is busy. */
async function send(path, { method = "GET", accept = "application/json", body, signal } = {}) {
  for (let tries = 0; ; tries++) {
    const headers = { Accept: accept };
    const token = sessionStorage.getItem("token");
    if (token) headers.Authorization = `Bearer ${token}`;
    let response;
    try {
      response = await fetch(path, { method, headers, body, signal });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refusal("The server does not answer.", "is it still running?");
    }
    if (response.ok) return response;
    if (response.status === 401) {
      await askForToken();
      continue;
    }
    if (response.status === 429 && tries < 20) {
      await pause(Number(response.headers.get("Retry-After") ?? 1), signal);
      continue;
    }
    const refusal = await response.json().catch(() => ({ error: `The server answered ${response.status}.` }));
    throw new Refusal(refusal.error, refusal.hint);
  }
}

export const about = async () => (await send("about")).json();
export const aboutModel = async (name) => (await send(`about/${encodeURIComponent(name)}`)).json();

/** Sends a picture with options, and returns the answer, which is JSON. */
export const post = async (path, options, body, signal) =>
  (await send(`${path}?${options}`, { method: "POST", body, signal })).json();

/** Sends a picture with options, and returns the answer, which is a file. */
export const file = async (path, options, body, accept) =>
  (await send(`${path}?${options}`, { method: "POST", body, accept })).blob();

/** Ends the noised samples of an explanation, if it has not ended already. */
export const stop = (id) => send(`explanations/${id}`, { method: "DELETE" }).catch(() => {});

/** Explains a picture, and calls `onProgress` with each report of the progress. */
export async function explain(options, body, onProgress, signal) {
  const response = await send(`explain?${options}`, { method: "POST", body, signal, accept: "text/event-stream" });
  for await (const { event, data } of events(response.body)) {
    const value = JSON.parse(data);
    if (event === "progress") onProgress(value);
    else if (event === "explanation") return value;
    else if (event === "error") throw new Refusal(value.error, value.hint);
  }
  throw new Refusal("The server ended the answer early.");
}

/** Yields the server-sent events of a stream. */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const event = { event: "message", data: "" };
      for (const line of text.slice(0, end).split("\n")) {
        const [, key, rest] = /^(\w+): ?(.*)$/.exec(line) ?? [];
        if (key === "event") event.event = rest;
        else if (key === "data") event.data += rest;
      }
      if (event.data) yield event;
    }
  }
}
