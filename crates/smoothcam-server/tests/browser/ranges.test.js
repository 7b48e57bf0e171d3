// Tests how lists of feature maps and cells are written and read.

import assert from "node:assert/strict";
import { test } from "node:test";

import { readCells, readMaps, writeCells, writeMaps } from "../../web/js/ranges.js";

test("feature maps", () => {
  for (const [numbers, text] of [
    [[0], "0"],
    [[3, 17, 40, 41, 42], "3,17,40-42"],
    [[0, 1, 2, 4], "0-2,4"],
    [[...Array(50).keys()], ""],
  ]) {
    assert.equal(writeMaps(new Set(numbers), 50), text);
    assert.deepEqual([...readMaps(text, 50)], numbers);
  }
  for (const text of ["x", "3,", "5-3", "50", "1-50", "none"]) assert.equal(readMaps(text, 50), null);
});

test("cells are written as few rectangles", () => {
  for (const [cells, text] of [
    [[0], "0,0"],
    [[5, 6, 9, 10], "1-2,1-2"],
    [[0, 1, 4, 7], "0,0-1 1,0 1,3"],
    [[0, 1, 2, 3, 4, 7, 8, 11, 12, 13, 14, 15], "0,0-3 1-2,0 1-2,3 3,0-3"],
    [[], ""],
  ]) {
    assert.equal(writeCells(new Set(cells), 4, 4, ""), text);
    assert.deepEqual([...readCells(text, 4, 4)].sort((a, b) => a - b), cells);
  }
});

test("cells of single feature maps are left alone", () => {
  assert.equal(writeCells(new Set([5]), 4, 4, "0,0 17:2-3,0 x"), "1,1 17:2-3,0");
  assert.deepEqual([...readCells("17:2-3,0 1,1", 4, 4)], [5]);
});
