/* Builds elements from data. Text always becomes a text node, never markup, so nothing untrusted can run. It knows no API. */

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** Return an element; `props` sets attributes, `on` listeners, `data` data attributes; null children are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Return the icon `#i-<name>` of the page's sprite. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Return an image that removes itself when it cannot be loaded, so that what stands behind it shows. */
export function picture(src) {
  return h("img", { src, alt: "", loading: "lazy", decoding: "async", on: { error: (event) => event.target.remove() } });
}

export function dot(modality) {
  return h("i", { class: "dot", data: { modality }, "aria-hidden": "true" });
}

const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
/* Scripts whose words stand inside longer runs of letters. */

/** Split the text into strings and <mark>s around the words of `matched`, whole words, whatever their case. */
export function highlight(text, matched) {
  const words = [...new Set((matched.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) => word.toLowerCase()))];
  if (!words.length) return [text];
  const asWord = (word) => (UNSPACED.test(word) ? word : `(?<![\\p{L}\\p{N}])${word}(?![\\p{L}\\p{N}])`);
  const pattern = new RegExp(words.map(asWord).join("|"), "giu");
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) pieces.push(text.slice(end, match.index));
    pieces.push(h("mark", {}, match[0]));
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push(text.slice(end));
  return pieces;
}
