/* Shows an answer as it is written: text, citation chips that seek, the quotes they rest on, or why there is none. */

import { byId, dot, h } from "./dom.js";
import { clockRange, count } from "./format.js";

const STEPS = {
  search: "Searching",
  graph: "Following the event graph",
  write: "Writing",
  check: "Checking the citations",
};

let whenCited = () => {};

/** `onCited(citation)` hears which citation was clicked. */
export const startAnswer = (onCited) => { whenCited = onCited; };

export function clearAnswer() {
  byId("answer").hidden = true;
  byId("answer").replaceChildren();
  hideTip();
}

/** Open an answer to the question; returns `{step, delta, finish}` to feed it with what arrives. */
export function openAnswer(question) {
  const box = byId("answer");
  const text = h("div", { class: "text waiting", "aria-live": "polite", "aria-busy": "true" }, "Searching…");
  box.replaceChildren(h("p", { class: "question" }, question), text);
  box.hidden = false;
  let written = "";
  return {
    step: (step) => { if (!written) text.textContent = `${STEPS[step.step] ?? step.step}…`; },
    delta: (piece) => {
      written += piece;
      text.classList.remove("waiting");
      text.replaceChildren(...paragraphs(written, new Map()));
    },
    finish: (answer) => box.replaceChildren(...finished(question, answer)),
  };
}

function finished(question, answer) {
  const citationByMarker = new Map(answer.citations.map((citation) => [citation.marker.replace(/\D/g, ""), citation]));
  return [
    h("p", { class: "question" }, question),
    answer.abstained ? h("p", { class: "abstained" }, answer.abstained) : null,
    answer.answer && answer.answer !== answer.abstained ? h("div", { class: "text" }, ...paragraphs(answer.answer, citationByMarker)) : null,
    answer.citations.length ? h("ol", { class: "sources", "aria-label": "Sources" }, answer.citations.map(makeSource)) : null,
    answer.hint ? h("p", { class: "fine hint" }, answer.hint) : null,
    makeTrace(answer),
  ].filter(Boolean);
}

/** Turn plain text with markers into paragraphs and lists; everything that is not a known marker stays text. */
function paragraphs(text, citationByMarker) {
  const blocks = [];
  for (const line of text.split(/\n+/).filter((line) => line.trim())) {
    const item = line.match(/^\s*(?:[-*•])\s+(.*)$/);
    if (!item) blocks.push(h("p", {}, withChips(line, citationByMarker)));
    else {
      if (blocks.at(-1)?.tagName !== "UL") blocks.push(h("ul"));
      blocks.at(-1).append(h("li", {}, withChips(item[1], citationByMarker)));
    }
  }
  return blocks;
}

function withChips(text, citationByMarker) {
  return text.split(/(\[\d+(?:\s*,\s*\d+)*\])/).flatMap((piece) => {
    const numbers = piece.startsWith("[") ? piece.match(/\d+/g) : null;
    if (!numbers || !numbers.every((number) => citationByMarker.has(number))) return [piece];
    return numbers.map((number) => makeChip(citationByMarker.get(number), number));
  });
}

const placeOf = (citation) => `${citation.video_title} · ${clockRange(citation.start_s, citation.end_s)}`;
const doubtOf = (citation) => (citation.is_supported ? "" : "The evidence may not say this.");

function makeChip(citation, number) {
  const chip = h("button", {
    class: citation.is_supported ? "cite" : "cite weak", type: "button",
    "aria-label": `Source ${number}: ${citation.quote}. ${placeOf(citation)}. ${doubtOf(citation)}`,
    on: { click: () => { whenCited(citation); hideTip(); }, mouseenter: showTip, focus: showTip, mouseleave: hideTip, blur: hideTip },
  }, number);
  function showTip() {
    const tip = byId("tip");
    tip.replaceChildren(citation.quote, h("span", { class: "place" }, [placeOf(citation), doubtOf(citation)].filter(Boolean).join(" · ")));
    tip.hidden = false;
    const box = chip.getBoundingClientRect();
    const left = Math.min(box.left, innerWidth - tip.offsetWidth - 12);
    const isBelow = box.top < tip.offsetHeight + 16;
    tip.style.left = `${Math.max(12, left)}px`;
    tip.style.top = `${isBelow ? box.bottom + 8 : box.top - tip.offsetHeight - 8}px`;
  }
  return chip;
}

const hideTip = () => { byId("tip").hidden = true; };

function makeSource(citation) {
  return h("li", { class: "source" }, h("button", { type: "button", on: { click: () => whenCited(citation) } },
    h("span", { class: citation.is_supported ? "cite" : "cite weak" }, citation.marker.replace(/\D/g, "") || citation.marker),
    h("span", { class: "quote" }, citation.quote),
    h("span", { class: "place time" }, dot(citation.modality), ` ${[placeOf(citation), doubtOf(citation)].filter(Boolean).join(" · ")}`)));
}

function makeTrace(answer) {
  const by = answer.produced_by ? `Written by ${answer.produced_by}` : "How this was found";
  if (!answer.trace.length) return answer.produced_by ? h("p", { class: "fine" }, by) : null;
  return h("details", {}, h("summary", {}, `${by} · ${count(answer.trace.length, "step", "steps")}`),
    h("ol", { class: "steps" }, answer.trace.map((step) => h("li", {}, sayStep(step)))));
}

const sayStep = (step) => Object.entries(step).map(([name, value]) => (name === "step" ? value : `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)).join(" · ");
