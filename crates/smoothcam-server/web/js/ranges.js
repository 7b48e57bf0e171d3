// Reads and writes lists of feature maps and cells: `3,17,40-47` and `2-5,0-3 7,7`.

const range = (text) => {
  const found = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(text);
  if (!found) return null;
  const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])];
  return first <= last ? [first, last] : null;
};

const written = (first, last) => (first === last ? `${first}` : `${first}-${last}`);

/** The numbers below `count` that a text names: all for an empty text, null for a text that is not a list. */
export function readMaps(text, count) {
  if (text.trim() === "") return new Set(Array(count).keys());
  const numbers = new Set();
  for (const part of text.split(",")) {
    const found = range(part);
    if (!found || found[1] >= count) return null;
    for (let k = found[0]; k <= found[1]; k++) numbers.add(k);
  }
  return numbers;
}

/** A set of numbers below `count`, written; empty for all of them. */
export function writeMaps(numbers, count) {
  if (numbers.size === count) return "";
  const sorted = [...numbers].sort((a, b) => a - b);
  const parts = [];
  for (let i = 0; i < sorted.length; ) {
    let j = i;
    while (sorted[j + 1] === sorted[j] + 1) j++;
    parts.push(written(sorted[i], sorted[j]));
    i = j + 1;
  }
  return parts.join(",");
}

const parts = (text) => text.split(/[ ;]+/).filter((part) => part !== "");

/** The cells (row * width + column) that a text names for all feature maps. */
export function readCells(text, height, width) {
  const cells = new Set();
  for (const part of parts(text)) {
    const [rows, columns] = part.split(",").map(range);
    if (!rows || !columns) continue;
    for (let r = rows[0]; r <= Math.min(rows[1], height - 1); r++) {
      for (let c = columns[0]; c <= Math.min(columns[1], width - 1); c++) cells.add(r * width + c);
    }
  }
  return cells;
}

/** Cells, written as rectangles, followed by what `text` says of single feature maps. */
export function writeCells(cells, height, width, text) {
  const rows = Array.from({ length: height }, (_, r) => {
    const columns = [];
    for (let c = 0; c < width; c++) {
      if (!cells.has(r * width + c)) continue;
      const first = c;
      while (c + 1 < width && cells.has(r * width + c + 1)) c++;
      columns.push(written(first, c));
    }
    return columns;
  });
  const rectangles = [];
  rows.forEach((columns, r) => {
    for (const run of columns) {
      let last = r;
      while (last + 1 < height && rows[last + 1].includes(run)) {
        rows[last + 1].splice(rows[last + 1].indexOf(run), 1);
        last++;
      }
      rectangles.push(`${written(r, last)},${run}`);
    }
  });
  return [...rectangles, ...parts(text).filter((part) => part.includes(":"))].join(" ");
}
