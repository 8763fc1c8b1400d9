/* Joins library, player, findings and answer, and keeps the address bar in step: #v=<id>&t=<seconds>&q=<words>&m=ask&in=one&fit=any. */

import { clearAnswer, openAnswer, startAnswer } from "./answer.js";
import { ApiError, onKeyNeeded, request, stream } from "./api.js";
import { askKey } from "./dialogs.js";
import { byId, dot, h, icon } from "./dom.js";
import * as findings from "./findings.js";
import { bytes, clock, count, MODALITIES } from "./format.js";
import * as library from "./library.js";
import * as player from "./player.js";
import * as transcript from "./transcript.js";
import { chooseFiles, startUploads } from "./uploads.js";

const N_RESULTS = 24;
const REFETCH_MS = 8000;
/* A ten-hour video publishes a part every few seconds, and its evidence is some megabytes. */
const FILTERS = ["speech", "screen", "visual"];
const PLACEHOLDER = { search: "Search what is said, shown and seen", ask: "Ask a question about the videos" };

const GONE = ["This video is not in the library any more.", "It may have been deleted, or the link may lead to another library."];

const MIN_SCORE_BY_FIT = { sure: 0.41, normal: undefined, any: 0 };
/* "Sure": from here on nothing is found for what is not there, neither in the development corpus nor in the lectures
   (docs/evaluation.md, a floor of .38, which asks .03 more of words). "Normal" is the service's own cut-off. */
const LOOSER_FIT = { sure: ["normal", "Search with the normal cut-off"], normal: ["any", "Show what is nearest"] };

const state = { videoId: null, wantedId: null, mode: "search", asked: "", askedIn: "", fit: "normal", modality: null, work: null, shownParts: -1, shown_ms: -Infinity, isReading: false };

const body = document.body.dataset;
const mode = () => document.querySelector("input[name=mode]:checked").value;
const scope = () => (state.videoId && byId("scope").value === "one" ? [state.videoId] : []);
const sayError = (error) => [error.message, error.remedy].filter(Boolean);

/* --- The stage ------------------------------------------------------------------------------------------------- */

/** Open the video at the instant, unless another is wanted by the time it is fetched; most are at hand. */
async function openVideo(id, place = {}) {
  state.wantedId = id;
  showNotice([]);
  try {
    const video = library.video(id) ?? await library.fetchVideo(id);
    if (state.wantedId === id) showVideo(video, place);
  } catch (error) {
    showNotice(sayMissing(error));
  }
}

/** Return why there is no such video, in lines to show. */
function sayMissing(error) {
  if (!(error instanceof ApiError)) throw error;
  return error.status === 404 ? GONE : sayError(error);
}

/** Say what a click or a link could not do; the next step takes it away. */
function showNotice(lines) {
  byId("notice").hidden = !lines.length;
  byId("notice").replaceChildren(...lines.map((line) => h("span", {}, line)));
}

function showVideo(video, { at_s = null, play = false } = {}) {
  const { id } = video;
  const isNew = state.videoId !== id;
  state.videoId = id;
  state.wantedId = id;
  body.stage = "open";
  byId("stage").hidden = false;
  byId("scope").hidden = false;
  player.load(video);
  if (isNew) {
    state.shownParts = -1;
    state.shown_ms = -Infinity;
    library.markSelected(id);
    showLinesOf(video);
  }
  showFacts(video);
  if (at_s !== null) player.seek(at_s, { play });
  showHits();
  writeHash(isNew);
}

function closeVideo() {
  state.videoId = null;
  state.wantedId = null;
  body.stage = "closed";
  byId("stage").hidden = true;
  byId("scope").hidden = true;
  player.unload();
  document.title = "Kinograph";
  library.markSelected(null);
  writeHash(true);
}

function showFacts(video) {
  const size = video.width_px ? `${video.width_px} × ${video.height_px}` : "audio";
  byId("stage-title").textContent = video.title;
  document.title = `${video.title} · Kinograph`;
  byId("stage-facts").textContent = [video.duration_s ? clock(video.duration_s) : "", size, bytes(video.size_bytes), video.language?.toUpperCase()].filter(Boolean).join(" · ");
  const failure = video.failure ? [h("li", { class: "bad" }, h("strong", {}, "Could not be indexed. "), `${video.failure.reason} ${video.failure.remedy}`)] : [];
  const partial = video.status === "indexing" && video.parts.total
    ? [h("li", {}, `${video.parts.done} of ${count(video.parts.total, "part", "parts")} searchable so far.`)] : [];
  const unplayable = player.isUnplayable()
    ? [h("li", {}, "This browser cannot play the file. What was found in it, and its pictures, can be seen all the same.")] : [];
  byId("stage-notes").replaceChildren(...failure, ...unplayable, ...partial, ...video.warnings.map((warning) => h("li", {}, warning)));
}

/** Fetch the evidence; again when more parts of a video became searchable, but not more often than every few seconds. */
async function showLinesOf(video) {
  const isDue = video.status === "ready" || performance.now() - state.shown_ms > REFETCH_MS;
  if (state.shownParts === video.parts.done || !isDue) return;
  state.shownParts = video.parts.done;
  state.shown_ms = performance.now();
  let evidence = [];
  let emptyText = video.status === "ready" ? "Nothing was said or shown that could be read." : "The transcript appears here as the video is indexed.";
  try {
    evidence = (await request(`/v1/videos/${video.id}/evidence`)).evidence;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    emptyText = sayError(error).join(" ");
  }
  if (state.videoId !== video.id) return;
  transcript.showLines(evidence, emptyText);
  transcript.followTime(player.time_s());
  player.showLanes(evidence);
  showHits();
}

function showHits() {
  const here = findings.moments().map((moment, index) => ({ moment, index, isCurrent: index === findings.currentIndex() }))
    .filter(({ moment }) => moment.video_id === state.videoId);
  player.markHits(here);
  transcript.markLines(here.map(({ moment }) => moment));
}

/* --- Search and ask -------------------------------------------------------------------------------------------- */

function begin(title) {
  showNotice([]);
  state.work?.abort();
  state.work = new AbortController();
  body.findings = "open";
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
    else if (event === "delta") answer.delta(data.delta ?? data.text ?? "");
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

function submit() {
  const text = byId("query").value.trim();
  if (!text) return;
  state.asked = text;
  state.askedIn = scope().join();
  state.mode = mode();
  state.fit = byId("fit").value;
  byId("modality-filters").hidden = state.mode === "ask";
  writeHash(true);
  run(state.mode === "ask" ? ask(text) : search(text));
}

function closeFindings() {
  state.work?.abort();
  state.asked = "";
  body.findings = "closed";
  byId("findings").hidden = true;
  clearAnswer();
  showMoments([]);
  writeHash(true);
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

/* --- The address bar ------------------------------------------------------------------------------------------- */

function writeHash(isStep = false) {
  const parts = new URLSearchParams();
  if (state.videoId) {
    parts.set("v", state.videoId);
    parts.set("t", player.time_s().toFixed(1));
  }
  if (state.asked) {
    parts.set("q", state.asked);
    if (state.mode === "ask") parts.set("m", "ask");
    if (scope().length) parts.set("in", "one");
    if (state.mode === "search" && state.fit !== "normal") parts.set("fit", state.fit);
  }
  const hash = `#${parts}`;
  if (state.isReading) return;
  if (hash === location.hash || (hash === "#" && !location.hash)) return;
  history[isStep ? "pushState" : "replaceState"](null, "", hash);
}

/** Bring the page to what the address says; what happens on the way must not write to it. */
async function readHash() {
  const { hash } = location;
  const missing = await fetchLinked(new URLSearchParams(hash.slice(1)).get("v"));
  if (location.hash !== hash) return; // someone went on meanwhile
  state.isReading = true;
  try {
    applyHash();
  } finally {
    state.isReading = false;
  }
  writeHash();
  showNotice(missing);
}

/** Have the library know the video of a link; return why it does not, in lines to show. */
async function fetchLinked(id) {
  try {
    if (id) await library.fetchVideo(id);
    return [];
  } catch (error) {
    return sayMissing(error);
  }
}

function applyHash() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const [id, query] = [parts.get("v"), parts.get("q") ?? ""];
  const at_s = Number.parseFloat(parts.get("t"));
  byId("scope").value = parts.get("in") === "one" ? "one" : "all";
  const video = library.video(id);
  if (video) showVideo(video, { at_s: Number.isFinite(at_s) ? at_s : null });
  else if (state.videoId) closeVideo();
  byId("fit").value = Object.hasOwn(MIN_SCORE_BY_FIT, parts.get("fit") ?? "") ? parts.get("fit") : "normal";
  byId("query").value = query;
  document.querySelector(`input[name=mode][value=${parts.get("m") === "ask" ? "ask" : "search"}]`).checked = true;
  showMode();
  const isSameScope = scope().join() === state.askedIn && (mode() === "ask" || byId("fit").value === state.fit);
  const isShown = query === state.asked && mode() === state.mode && isSameScope;
  if (query && !isShown) submit();
  else if (!query && state.asked) closeFindings();
}

/* --- The rest of the page -------------------------------------------------------------------------------------- */

function showMode() {
  byId("query").placeholder = PLACEHOLDER[mode()];
  byId("go").setAttribute("aria-label", mode() === "ask" ? "Ask" : "Search");
  byId("fit").hidden = mode() === "ask";
}

function showWelcome(error = null) {
  const box = byId("welcome");
  if (error) {
    const retry = h("button", { class: "button", type: "button", on: { click: () => location.reload() } }, "Try again");
    box.replaceChildren(h("h1", {}, error.message), h("p", {}, error.remedy), retry);
  } else if (!library.videos().length) {
    box.replaceChildren(
      h("h1", {}, "Find the second it happens"),
      h("p", {}, "Add a video and search it by what is said, what stands on the screen, and what can be seen. Ask a question, and every claim of the answer leads to its place in the video."),
      h("div", { class: "target" }, icon("upload"), h("p", {}, "Drop video or audio files anywhere on this page"),
        h("button", { class: "button primary", type: "button", on: { click: chooseFiles } }, "Choose files"),
        h("p", { class: "fine" }, "The first minute can be searched while the rest is still being watched. Files stay on this server.")));
  } else {
    const key = (name, text) => h("span", {}, h("kbd", {}, name), ` ${text}`);
    box.replaceChildren(
      h("h1", {}, "What are you looking for?"),
      h("p", {}, "Search or ask above, or open a video from the library."),
      h("p", { class: "keys" }, key("/", "search"), key("space", "play"), key("← →", "5 seconds"), key("n p", "next, previous result")));
  }
}

const KEYS = {
  "/": () => byId("query").select(),
  " ": () => state.videoId && player.togglePlay(),
  ArrowLeft: () => state.videoId && player.seek(Math.max(0, player.time_s() - 5)),
  ArrowRight: () => state.videoId && player.seek(Math.min(player.duration_s(), player.time_s() + 5)),
  n: () => findings.choose(findings.currentIndex() + 1),
  p: () => findings.choose(findings.currentIndex() - 1),
};

function listenToKeys() {
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target === byId("query")) return event.target.blur();
    const isBusy = event.target.closest("input, select, textarea, dialog, video, [role=slider]") || event.ctrlKey || event.metaKey || event.altKey;
    if (isBusy || !KEYS[event.key] || (event.key === " " && event.target.closest("button, a, summary"))) return undefined;
    event.preventDefault();
    return KEYS[event.key]();
  });
}

function listenToForm() {
  byId("query-form").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  for (const radio of document.querySelectorAll("input[name=mode]")) radio.addEventListener("change", () => { showMode(); byId("query").focus(); });
  byId("scope").addEventListener("change", () => { if (state.asked) submit(); });
  byId("fit").addEventListener("change", () => { if (state.asked && state.mode === "search") submit(); });
  byId("clear").addEventListener("click", closeFindings);
  byId("notice").addEventListener("click", () => showNotice([]));
  byId("home").addEventListener("click", (event) => {
    event.preventDefault();
    byId("query").value = "";
    closeFindings();
    closeVideo();
  });
}

function onLibraryChange(video) {
  if (video.id !== state.videoId) return;
  player.load(video);
  showFacts(video);
  showLinesOf(video);
}

async function start() {
  onKeyNeeded(askKey);
  makeFilters();
  listenToForm();
  listenToKeys();
  player.startPlayer({ time: transcript.followTime, settle: () => writeHash(), hit: findings.choose, refuse: showFacts });
  transcript.startTranscript((start_s) => player.seek(start_s, { play: player.isPlaying() }));
  findings.startFindings((moment) => openVideo(moment.video_id, { at_s: moment.start_s, play: true }));
  startAnswer((citation) => openVideo(citation.video_id, { at_s: citation.start_s, play: true }));
  startUploads((video) => { library.add(video); showWelcome(); });
  try {
    await library.startLibrary({
      select: (id) => openVideo(id),
      change: onLibraryChange,
      remove: (id) => { if (id === state.videoId) closeVideo(); showWelcome(); },
    });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showWelcome(error);
    return;
  }
  showWelcome();
  readHash();
  addEventListener("popstate", readHash);
}

start();
