/* Lists the evidence of a video in time order and follows the playback. It knows no player: it is told the time. */

import { byId, dot, h } from "./dom.js";
import { clock, MODALITIES, modalityName } from "./format.js";

const HANDS_OFF_MS = 4000;
/* After a person scrolls, the list stays where they put it for this long, or until they press Follow. */

const state = { evidence: [], rows: [], starts: [], hidden: new Set(), current: -1, isFollowing: true, scrolled_ms: -Infinity };
let whenChosen = () => {};

/** `onChosen(start_s)` hears which line was clicked. */
export function startTranscript(onChosen) {
  whenChosen = onChosen;
  const lines = byId("lines");
  for (const event of ["wheel", "touchmove", "pointerdown"]) {
    lines.addEventListener(event, () => { state.scrolled_ms = performance.now(); }, { passive: true });
  }
  lines.addEventListener("scroll", () => {
    if (performance.now() - state.scrolled_ms < HANDS_OFF_MS) setFollowing(false);
  }, { passive: true });
  byId("follow").addEventListener("click", () => {
    setFollowing(true);
    scrollToCurrent();
  });
}

function setFollowing(isFollowing) {
  state.isFollowing = isFollowing;
  byId("follow").hidden = isFollowing || !state.rows.length;
}

/** Show the evidence; `emptyText` stands there instead when there is none. */
export function showLines(evidence, emptyText) {
  state.evidence = evidence;
  const present = new Set(evidence.map((item) => item.modality));
  const modalities = Object.keys(MODALITIES).filter((modality) => present.has(modality));
  byId("lane-filters").replaceChildren(...(modalities.length > 1 ? modalities.map(makeFilter) : []));
  render(emptyText);
}

function makeFilter(modality) {
  return h("button", {
    class: "chip", type: "button", "aria-pressed": state.hidden.has(modality) ? "false" : "true",
    on: { click: (event) => {
      if (!state.hidden.delete(modality)) state.hidden.add(modality);
      event.currentTarget.setAttribute("aria-pressed", state.hidden.has(modality) ? "false" : "true");
      render();
    } },
  }, dot(modality), modalityName(modality));
}

function render(emptyText = "Nothing to show: all kinds of lines are switched off.") {
  const shown = state.evidence.filter((item) => !state.hidden.has(item.modality));
  state.starts = shown.map((item) => item.start_s);
  state.rows = shown.map((item) => h("li", { class: item.modality === "speech" ? "line said" : "line" },
    h("button", { type: "button", title: `${modalityName(item.modality)} · ${item.produced_by}`, on: { click: () => choose(item.start_s) } },
      h("span", { class: "time" }, clock(item.start_s)), dot(item.modality), h("p", {}, item.text, item.translation ? h("span", { class: "translation" }, item.translation) : null))));
  state.current = -1;
  byId("lines").replaceChildren(...(state.rows.length ? state.rows : [h("li", { class: "nothing" }, emptyText)]));
  setFollowing(true);
}

function choose(start_s) {
  state.scrolled_ms = -Infinity;
  setFollowing(true);
  whenChosen(start_s);
}

/** Light up the line of the instant: the last one that has begun. */
export function followTime(time_s) {
  const index = lastBegun(time_s + 0.05);
  if (index === state.current) return;
  state.rows[state.current]?.classList.remove("now");
  state.rows[index]?.classList.add("now");
  state.current = index;
  if (state.isFollowing) scrollToCurrent();
}

function lastBegun(time_s) {
  let [low, high] = [0, state.starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (state.starts[middle] <= time_s) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function scrollToCurrent() {
  const row = state.rows[state.current];
  const list = byId("lines");
  if (!row || list.scrollHeight <= list.clientHeight) return;
  const top = row.offsetTop - list.offsetTop - list.clientHeight / 3;
  list.scrollTo({ top, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

/** Mark the lines that overlap one of the spans `{start_s, end_s}`. */
export function markLines(spans) {
  const shown = state.evidence.filter((item) => !state.hidden.has(item.modality));
  state.rows.forEach((row, index) => {
    const { start_s, end_s } = shown[index];
    row.classList.toggle("match", spans.some((span) => span.start_s < end_s && start_s < span.end_s));
  });
}
