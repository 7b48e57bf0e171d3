// Holds what the page shows, as its address says it: a link is a view.

import { optionNamed, pageOptions } from "./table.js";

/** What the page shows besides options. */
const PARTS = ["model", "picture", "compare"];

/** The groups of options that concern the answer's drawing, and not the explanation. */
const DRAWING_GROUPS = ["answer", "appearance"];

/** The value of each option and part as text; empty where it is the default. */
export const state = {};

const keys = () => [...PARTS, ...pageOptions().map((option) => option.name)];

/** Takes the state from the page's address. */
export function readAddress() {
  const address = new URLSearchParams(location.search);
  setState(Object.fromEntries(keys().map((key) => [key, address.get(key) ?? ""])));
}

/** Writes the state into the page's address. */
export function writeAddress() {
  const query = queryOf(keys(), state).toString();
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
}

/** Changes parts of the state. */
export function setState(changes) {
  for (const [key, value] of Object.entries(changes)) state[key] = value === optionNamed(key)?.default ? "" : value;
}

/** The value of an option, which may be its default. */
export const valueOf = (name) => state[name] || (optionNamed(name).default ?? "");

/** The options of an explanation that are not the defaults, with some of them replaced. */
export function options(replaced = {}) {
  const names = pageOptions().filter(({ group }) => !DRAWING_GROUPS.includes(group)).map(({ name }) => name);
  return queryOf(["model", ...names], { ...state, ...replaced });
}

/** The options of how the picture's file is read. */
export const fileOptions = () => queryOf(["window", "frame"], state);

/** The options of an explanation as it is drawn, with some of those of the drawing replaced. What is viewed is none of
 *  them: each file that can be saved shows its own. */
export function drawingOptions(replaced = {}) {
  return queryOf(["model", ...pageOptions().map(({ name }) => name)], { ...state, view: "", ...replaced });
}

/** A query of those of the values that are not empty. */
function queryOf(names, values) {
  return new URLSearchParams(names.filter((name) => values[name] !== "").map((name) => [name, values[name]]));
}
