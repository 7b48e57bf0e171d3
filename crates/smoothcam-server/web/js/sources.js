// Takes pictures from files, the clipboard, the camera and the samples.

import { $, el } from "./dom.js";
import { setStatus } from "./status.js";

/** Calls `open(blob, name)` with each picture that the user chooses, drops, pastes or photographs. */
export function listenToSources(open) {
  $("file").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    if (file) open(file, file.name);
    target.value = "";
  });

  const page = document.body;
  const over = (on) => $("stage").classList.toggle("over", on);
  page.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    over(true);
  });
  page.addEventListener("dragleave", (event) => { if (!event.relatedTarget) over(false); });
  page.addEventListener("drop", (event) => {
    over(false);
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault();
    open(file, file.name);
  });
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (!file) return;
    event.preventDefault();
    open(file, file.name || "pasted.png");
  });
  listenToCamera(open);
}

/** Shows the samples. Calls `choose(name)` with the one that is clicked. */
export function showSamples(addresses, choose) {
  const button = (address) => {
    const name = address.split("/").pop();
    const image = el("img", { src: `.${address}`, alt: name.replace(/\..*/, ""), width: 72, height: 54 });
    return el("button", { type: "button", "aria-pressed": "false", "data-sample": name, onclick: () => choose(name) }, image);
  };
  $("photographs").replaceChildren(...addresses.map(button));
}

/** Marks the sample that is shown, if one is. */
export function markSample(name) {
  for (const button of $("photographs").children) {
    button.setAttribute("aria-pressed", String(button.dataset.sample === name));
  }
}

function listenToCamera(open) {
  // Browsers give the camera to secure pages only: https, or this machine itself.
  if (!navigator.mediaDevices?.getUserMedia) return;
  const [dialog, video] = [$("camera-dialog"), $("video")];
  $("camera").hidden = false;
  $("camera").addEventListener("click", async () => {
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      setStatus("The browser does not let this page use a camera.");
      return;
    }
    dialog.showModal();
    await video.play();
  });
  dialog.addEventListener("close", () => {
    video.srcObject?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  });
  $("camera-close").addEventListener("click", () => dialog.close());
  $("shoot").addEventListener("click", () => {
    const canvas = el("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => { dialog.close(); open(blob, "camera.png"); }, "image/png");
  });
}
