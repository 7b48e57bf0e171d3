// Finds and makes elements, and writes numbers.

/** The element of this id. */
export const $ = (id) => document.getElementById(id);

/** An element with these properties (`aria-...`, `data-...` and `role` as attributes) and children. */
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (/^(aria-|data-|role$|for$)/.test(key)) element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

/** Words for those who hear the page and do not see it. */
export const unseen = (text) => el("span", { className: "unseen", textContent: text });

/** A share, 0 to 1, in percent. */
export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

/** A number with four significant digits. */
export const digits = (x) => (x === 0 ? "0" : Number(x.toPrecision(4)).toString());

/** A function that calls `call` once, so many milliseconds after the last of its calls. */
export function debounced(milliseconds, call) {
  let timer;
  return (...all) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...all), milliseconds);
  };
}
