// Elements, found and made.

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

/** Words for those who hear the page. */
export const unseen = (text) => el("span", { className: "unseen", textContent: text });

export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

/** A number with four significant digits. */
export const digits = (x) => (x === 0 ? "0" : Number(x.toPrecision(4)).toString());

/** Calls once, after calls have ceased for so many milliseconds. */
export function debounced(milliseconds, call) {
  let timer;
  return (...all) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...all), milliseconds);
  };
}
