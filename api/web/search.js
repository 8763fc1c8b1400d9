/* Searches and asks: what the form wishes, how it goes, and what came of it. It knows neither the player nor the address bar. */

import { clearAnswer, openAnswer } from "./answer.js";
import { ApiError, request, stream } from "./api.js";
import { byId, dot, h } from "./dom.js";
import * as findings from "./findings.js";
import { count, MODALITIES } from "./format.js";
import * as library from "./library.js";
import { sayError, showNotice } from "./notice.js";
import { showHits, videoId } from "./stage.js";

const N_RESULTS = 24;
const FILTERS = ["speech", "screen", "visual"];
const PLACEHOLDER = { search: "Search what is said, shown and seen", ask: "Ask a question about the videos" };

const MIN_SCORE_BY_FIT = { sure: 0.41, normal: undefined, any: 0 };
/* "Sure": from here on nothing is found for what is not there, neither in the development corpus nor in the lectures
   (docs/evaluation.md, a floor of .38, which asks .03 more of words). "Normal" is the service's own cut-off. */
const LOOSER_FIT = { sure: ["normal", "Search with the normal cut-off"], normal: ["any", "Show what is nearest"] };

const state = { mode: "search", asked: "", askedIn: "", fit: "normal", modality: null, work: null };
let whenAsked = () => {};

const mode = () => document.querySelector("input[name=mode]:checked").value;
const scope = () => (videoId() && byId("scope").value === "one" ? [videoId()] : []);

/** Listen to the form and the filters; `onAsked()` hears when something else is asked, or nothing any more. */
export function startSearch(onAsked) {
  whenAsked = onAsked;
  makeFilters();
  byId("query-form").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  for (const radio of document.querySelectorAll("input[name=mode]")) radio.addEventListener("change", () => { showMode(); byId("query").focus(); });
  byId("scope").addEventListener("change", () => { if (state.asked) submit(); });
  byId("fit").addEventListener("change", () => { if (state.asked && state.mode === "search") submit(); });
  byId("clear").addEventListener("click", closeFindings);
}

/** Return what is asked, as a link says it; "" for nothing. */
export const asked = () => ({ query: state.asked, isAsk: state.mode === "ask", isOne: scope().length > 0, fit: state.mode === "search" ? state.fit : "normal" });

/** Fill the form as a link says, and search or ask unless that is shown already. */
export function takeUp({ query, isAsk, isOne, fit }) {
  byId("scope").value = isOne ? "one" : "all";
  byId("fit").value = Object.hasOwn(MIN_SCORE_BY_FIT, fit) ? fit : "normal";
  byId("query").value = query;
  document.querySelector(`input[name=mode][value=${isAsk ? "ask" : "search"}]`).checked = true;
  showMode();
  const isSameScope = scope().join() === state.askedIn && (mode() === "ask" || byId("fit").value === state.fit);
  const isShown = query === state.asked && mode() === state.mode && isSameScope;
  if (query && !isShown) submit();
  else if (!query && state.asked) closeFindings();
}

function submit() {
  const text = byId("query").value.trim();
  if (!text) return;
  state.asked = text;
  state.askedIn = scope().join();
  state.mode = mode();
  state.fit = byId("fit").value;
  byId("modality-filters").hidden = state.mode === "ask";
  whenAsked();
  run(state.mode === "ask" ? ask(text) : search(text));
}

/** Ask nothing any more. */
export function closeFindings() {
  state.work?.abort();
  state.asked = "";
  document.body.dataset.findings = "closed";
  byId("findings").hidden = true;
  clearAnswer();
  showMoments([]);
  whenAsked();
}

function showMode() {
  byId("query").placeholder = PLACEHOLDER[mode()];
  byId("go").setAttribute("aria-label", mode() === "ask" ? "Ask" : "Search");
  byId("fit").hidden = mode() === "ask";
}

function makeFilters() {
  const chips = [null, ...FILTERS].map((modality) => h("button", {
    class: "chip", type: "button", "aria-pressed": modality === state.modality ? "true" : "false",
    on: { click: () => {
      state.modality = modality;
      makeFilters();
      if (state.asked) submit();
    } },
  }, ...(modality ? [dot(modality), MODALITIES[modality]] : ["All"])));
  byId("modality-filters").replaceChildren(...chips);
}

function begin(title) {
  showNotice([]);
  state.work?.abort();
  state.work = new AbortController();
  document.body.dataset.findings = "open";
  byId("findings").hidden = false;
  byId("findings-title").textContent = title;
  byId("findings").scrollTop = 0;
  showPlan([]);
  return state.work.signal;
}

function showStatus(lines, isBad = false) {
  const [first, ...rest] = lines;
  byId("status").classList.toggle("bad", isBad);
  byId("status").replaceChildren(...(first ? [first, ...rest.map((line) => h("span", { class: "remedy" }, line))] : []));
}

async function run(work) {
  try {
    await work;
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof ApiError)) throw error;
    clearAnswer();
    showStatus(sayError(error), true);
  }
}

async function search(query) {
  const signal = begin("Results");
  clearAnswer();
  showStatus(["Searching…"]);
  const modalities = state.modality ? [state.modality] : [];
  const { moments, plan } = await request("/v1/search", { method: "POST", signal, body: { query, videos: scope(), modalities, limit: N_RESULTS, min_score: MIN_SCORE_BY_FIT[state.fit] } });
  showMoments(moments);
  showPlan(plan.understood);
  byId("findings-title").textContent = moments.length ? count(moments.length, "moment", "moments") : "Results";
  showStatus(moments.length ? [] : nothingFound());
}

/** Say what more than its words the query was taken to ask for. */
function showPlan(understood) {
  byId("understood").hidden = !understood.length;
  byId("understood").replaceChildren(...(understood.length ? ["Understood as", ...understood.map((part) => h("span", { class: "chip" }, part))] : []));
}

function nothingFound() {
  const isBusy = library.videos().some((video) => video.status === "indexing" || video.status === "uploaded");
  const narrowed = state.modality || scope().length ? "Look everywhere: all kinds of moments, all videos." : "";
  return [state.fit === "sure" ? "Nothing in the library fits surely." : "Nothing in the library fits.",
    narrowed || "Try other words, or describe what is seen or said.", looserSearch(),
    isBusy ? "Some videos are still being indexed; more may turn up." : ""].filter(Boolean);
}

/** Return a button that searches again by the next looser cut-off; null if there is none. */
function looserSearch() {
  const [fit, label] = LOOSER_FIT[state.fit] ?? [];
  if (!fit) return null;
  return h("button", { class: "button", type: "button", on: { click: () => { byId("fit").value = fit; submit(); } } }, label);
}

async function ask(question) {
  const signal = begin("Answer");
  showMoments([]);
  showStatus([]);
  const answer = openAnswer(question);
  const events = stream("/v1/ask", { method: "POST", signal, body: { question, videos: scope(), stream: true } });
  for await (const { event, data } of events) {
    if (event === "step") answer.step(data);
    else if (event === "delta") answer.delta(data.delta);
    else if (event === "error") throw new ApiError(data.status ?? 500, data);
    else if (event === "answer") {
      answer.finish(data);
      showMoments(data.moments);
      showStatus(data.moments.length ? ["Moments it rests on"] : []);
      return;
    }
  }
  throw new ApiError(0, { title: "The answer was cut off.", remedy: "Ask again; if it happens twice, look at the server's log." });
}

function showMoments(moments) {
  findings.showMoments(moments, (id) => library.video(id)?.has_video ?? true);
  showHits();
}
