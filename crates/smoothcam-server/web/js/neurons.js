// Lets the user choose neurons, which are cells of the layer's grid, on the picture.

import { $, el } from "./dom.js";
import { readCells, writeCells } from "./ranges.js";
import { seenOnScreen } from "./stage.js";
import { state } from "./state.js";

/** More rows or columns than this are too small to point at: blocks of cells stand for them. */
const MOST = 32;

/** The grid, the side of a block in cells, and the rows and columns of blocks. */
const grid = { height: 0, width: 0, side: 1, rows: 0, columns: 0, choose: () => {} };
/** The block where a drag, or a rectangle by keyboard, began. */
let anchor = null;

/** Sets the grid of a layer. Calls `choose(text)` with the cells that shall take part. */
export function setGrid(height, width, choose) {
  const same = height === grid.height && width === grid.width;
  const side = Math.max(1, Math.ceil(Math.max(height, width) / MOST));
  Object.assign(grid, { height, width, side, choose, rows: Math.ceil(height / side), columns: Math.ceil(width / side) });
  const blocks = side > 1 ? `, in blocks of ${side}×${side}` : "";
  $("neurons-of").textContent = height ? `of ${height}×${width}${blocks}` : "";
  // An unchanged grid stays as it is: the user may be pointing at a cell.
  if (!same && !$("cells").hidden) showCells();
}

/** Shows or hides the grid. */
export function toggleCells(on = $("cells").hidden) {
  $("choose").setAttribute("aria-pressed", String(on));
  $("cells").hidden = $("neurons-help").hidden = !on;
  if (!on) return;
  showCells();
  $("stage").scrollIntoView({ block: "nearest" });
  $("cells").querySelector("button")?.focus({ preventScroll: true });
}

/** Lays the grid over what the model saw. */
function placeCells() {
  const box = seenOnScreen();
  if (!box || $("cells").hidden) return;
  for (const [key, value] of Object.entries(box)) $("cells").style[key] = `${value}px`;
}

/** The sizes of blocks along an axis, as a CSS template: the last one may be smaller. */
const tracks = (cells, count) => Array.from({ length: count }, (_, i) => `minmax(0, ${Math.min(grid.side, cells - i * grid.side)}fr)`).join(" ");

function showCells() {
  const { height, width, rows, columns } = grid;
  const cells = $("cells");
  cells.style.gridTemplate = `${tracks(height, rows)} / ${tracks(width, columns)}`;
  cells.setAttribute("role", "group");
  cells.setAttribute("aria-label", `Neurons, ${height} rows of ${width}`);
  const block = (_, i) => {
    const [[row], [column]] = ends(Math.floor(i / columns), i % columns);
    return el("button", { type: "button", tabIndex: i === 0 ? 0 : -1, "data-block": i, "aria-label": `row ${row}, column ${column}` });
  };
  cells.replaceChildren(...Array.from({ length: rows * columns }, block));
  placeCells();
  markCells();
}

/** The first and last row, and the first and last column, of a block's cells. */
function ends(row, column) {
  const { height, width, side } = grid;
  const of = (at, size) => [at * side, Math.min((at + 1) * side, size) - 1];
  return [of(row, height), of(column, width)];
}

/** Marks the blocks with cells that take part. */
export function markCells() {
  const chosen = readCells(state.neurons, grid.height, grid.width);
  for (const button of $("cells").querySelectorAll("button")) {
    const block = Number(button.dataset.block);
    const on = chosen.size === 0 || rectangle(block, block).some((cell) => chosen.has(cell));
    button.setAttribute("aria-pressed", String(on));
  }
}

/** The block rows and columns between two blocks. */
const span = (a, b) => [(i) => Math.floor(i / grid.columns), (i) => i % grid.columns].map((of) => [of(a), of(b)].sort((x, y) => x - y));

/** The cells of the rectangle with these two blocks in its corners. */
function rectangle(a, b) {
  const [[top, bottom], [left, right]] = span(a, b);
  const [first, last] = [ends(top, left), ends(bottom, right)];
  const cells = [];
  for (let r = first[0][0]; r <= last[0][1]; r++) {
    for (let c = first[1][0]; c <= last[1][1]; c++) cells.push(r * grid.width + c);
  }
  return cells;
}

/** Adds or removes one block, or adds a rectangle. */
function toggle(from, to) {
  const { height, width } = grid;
  const chosen = readCells(state.neurons, height, width);
  const cells = rectangle(from, to);
  if (from === to && cells.every((cell) => chosen.has(cell))) cells.forEach((cell) => chosen.delete(cell));
  else cells.forEach((cell) => chosen.add(cell));
  const all = chosen.size === height * width;
  grid.choose(writeCells(all ? new Set() : chosen, height, width, state.neurons));
}

/** Listens to pointer and keyboard, for good. */
export function listenToCells() {
  const cells = $("cells");
  const blockAt = ({ clientX, clientY }) => {
    const box = cells.getBoundingClientRect();
    const index = (at, start, length, size, count) =>
      Math.min(Math.max(Math.floor((((at - start) / length) * size) / grid.side), 0), count - 1);
    return index(clientY, box.top, box.height, grid.height, grid.rows) * grid.columns
      + index(clientX, box.left, box.width, grid.width, grid.columns);
  };
  const end = () => { anchor = null; band(); };
  cells.addEventListener("pointerdown", (event) => {
    cells.setPointerCapture(event.pointerId);
    anchor = blockAt(event);
    band(anchor, anchor);
  });
  cells.addEventListener("pointermove", (event) => { if (anchor !== null) band(anchor, blockAt(event)); });
  cells.addEventListener("pointercancel", end);
  cells.addEventListener("pointerup", (event) => {
    if (anchor !== null) toggle(anchor, blockAt(event));
    focus(blockAt(event));
    end();
  });
  cells.addEventListener("keydown", (event) => {
    if (key(event)) event.preventDefault();
  });
  new ResizeObserver(placeCells).observe($("stage"));
}

/** Moves by arrows and chooses by space; returns whether the key means anything here. */
function key({ key, shiftKey, target }) {
  const at = Number(target.dataset.block);
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  if (key in moves) {
    const [row, column] = [Math.floor(at / grid.columns) + moves[key][0], (at % grid.columns) + moves[key][1]];
    if (row < 0 || column < 0 || row >= grid.rows || column >= grid.columns) return true;
    anchor = shiftKey ? anchor ?? at : null;
    const next = row * grid.columns + column;
    focus(next);
    if (anchor === null) band();
    else band(anchor, next);
  } else if (key === " " || key === "Enter") {
    toggle(anchor ?? at, at);
    anchor = null;
    band();
  } else if (key === "Escape") {
    toggleCells(false);
    $("choose").focus();
  } else {
    return false;
  }
  return true;
}

/** Moves the focus to a block, the only one that can then be reached by Tab. */
function focus(block) {
  for (const button of $("cells").querySelectorAll("[tabindex='0']")) button.tabIndex = -1;
  const button = $("cells").querySelector(`[data-block='${block}']`);
  button.tabIndex = 0;
  button.focus({ preventScroll: true });
}

/** Outlines the rectangle between two blocks while the user chooses it; without blocks, removes the outline. */
function band(a, b) {
  $("cells").querySelector(".band")?.remove();
  if (a === undefined) return;
  const { height, width } = grid;
  const [[top, bottom], [left, right]] = span(a, b);
  const [first, last] = [ends(top, left), ends(bottom, right)];
  const outline = el("div", { className: "band" });
  const share = (x, of) => `${(100 * x) / of}%`;
  outline.style.top = share(first[0][0], height);
  outline.style.left = share(first[1][0], width);
  outline.style.height = share(last[0][1] - first[0][0] + 1, height);
  outline.style.width = share(last[1][1] - first[1][0] + 1, width);
  $("cells").append(outline);
}
