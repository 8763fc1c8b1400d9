/* The list of videos with their live status. It knows videos and their progress, not what is played or found. */

import { ApiError, mediaUrl, request, stream } from "./api.js";
import { confirmDelete } from "./dialogs.js";
import { byId, h, icon, picture } from "./dom.js";
import { clock, count, percent, remaining } from "./format.js";
import { sayError } from "./notice.js";

const MAX_STREAMS = 2;
/* A browser opens six connections to a host; the player and the search must find one free. */
const BUSY_POLL_MS = 3000;
const IDLE_POLL_MS = 20000;

const STAGES = {
  "": "Waiting for a worker",
  waiting: "Waiting for a worker",
  decode: "Decoding",
  shots: "Finding shots",
  "screen text": "Reading the screen",
  captions: "Describing",
  speech: "Listening",
  embeddings: "Embedding",
  artifact: "Storing",
  publishing: "Making it searchable",
  finishing: "Linking events",
};

const state = { videos: new Map(), rows: new Map(), etas: new Map(), streams: new Map(), selected: null, cursor: null, timer: 0 };
let listeners = { select: () => {}, change: () => {}, remove: () => {} };

export const videos = () => [...state.videos.values()];
export const video = (id) => state.videos.get(id);
/** Whether a picture of the video can be asked for: the first ones come with its first part. */
const hasPictures = (video) => Boolean(video.thumbnail_url) && video.parts.done > 0;
const isWorking = (video) => video.status === "uploaded" || video.status === "indexing";

/** Show the library and keep it current; `on.select(id)`, `on.change(video)`, `on.remove(id)` hear about it. */
export async function startLibrary(on) {
  listeners = on;
  byId("more").addEventListener("click", () => loadPage(state.cursor));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  await refresh();
}

/** Fetch the newest page again; videos that others added or deleted appear and vanish. */
async function refresh() {
  clearTimeout(state.timer);
  try {
    await loadPage(null);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (document.body.dataset.library === "loading") throw error;
    byId("library-count").textContent = "· not connected";
  } finally {
    schedule();
  }
}

function schedule() {
  clearTimeout(state.timer);
  const pause_ms = videos().some(isWorking) ? BUSY_POLL_MS : IDLE_POLL_MS;
  state.timer = setTimeout(() => { if (!document.hidden) refresh(); }, pause_ms);
}

async function loadPage(cursor) {
  const page = await request(`/v1/videos?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
  const isFirst = cursor === null;
  if (isFirst && !page.next_cursor) {
    const present = new Set(page.videos.map((video) => video.id));
    for (const id of state.videos.keys()) if (!present.has(id)) forget(id);
  }
  if (!isFirst || state.cursor === null) state.cursor = page.next_cursor;
  byId("more").hidden = state.cursor === null;
  for (const video of page.videos) keep(video);
  arrange();
  watch();
}

/** Take in a video as the API shows it. */
function keep(video) {
  if (video.status === "deleting") return;
  state.videos.set(video.id, video);
  const row = state.rows.get(video.id) ?? makeRow(video);
  fillRow(row, video);
  listeners.change(video);
}

/** Take in a video that was just uploaded: it shows at the top and its progress is followed. */
export function add(video) {
  keep(video);
  arrange();
  watch();
  schedule();
}

/** Return the video; one whose page of the list is not loaded is fetched, and listed from then on. */
export async function fetchVideo(id) {
  if (!state.videos.has(id)) {
    const found = await request(`/v1/videos/${encodeURIComponent(id)}`);
    if (found?.id !== id) throw new ApiError(404);
    add(found);
  }
  return state.videos.get(id);
}

function forget(id) {
  state.streams.get(id)?.abort();
  state.streams.delete(id);
  state.rows.get(id)?.item.remove();
  state.rows.delete(id);
  state.videos.delete(id);
  listeners.remove(id);
}

function arrange() {
  const newestFirst = videos().sort((a, b) => b.created_at.localeCompare(a.created_at) || a.id.localeCompare(b.id));
  const list = byId("videos");
  newestFirst.forEach((video, position) => {
    const { item } = state.rows.get(video.id);
    if (list.children[position] !== item) list.insertBefore(item, list.children[position] ?? null);
  });
  document.body.dataset.library = state.videos.size || byId("uploads").children.length ? "some" : "empty";
  byId("library-count").textContent = state.videos.size ? `${state.videos.size}${state.cursor ? "+" : ""}` : "";
}

export function markSelected(id) {
  state.selected = id;
  for (const [rowId, row] of state.rows) setSelected(row, rowId === id);
}

function setSelected(row, isSelected) {
  row.item.classList.toggle("selected", isSelected);
  row.open.setAttribute("aria-current", isSelected ? "true" : "false");
}

function makeRow(video) {
  const row = {
    title: h("span", { class: "video-title" }),
    facts: h("span", { class: "video-facts" }),
    bar: h("i"),
    poster: h("span", { class: "poster" }, icon(video.has_video ? "film" : "wave")),
  };
  row.meter = h("div", { class: "meter", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, row.bar);
  row.open = h("button", { class: "video-open", type: "button", on: { click: () => listeners.select(video.id) } },
    row.poster, h("span", {}, row.title, row.facts, row.meter));
  row.remove = h("button", { class: "quiet icon-only video-delete", type: "button", on: { click: () => remove(video.id) } }, icon("trash"));
  row.item = h("li", { class: "video" }, row.open, row.remove);
  state.rows.set(video.id, row);
  setSelected(row, video.id === state.selected);
  return row;
}

function fillRow(row, video) {
  row.title.textContent = video.title;
  row.open.title = video.title === video.filename ? "" : video.filename;
  row.facts.textContent = describe(video);
  row.item.classList.toggle("failed", video.status === "failed");
  row.item.dataset.id = video.id;
  row.item.dataset.status = video.status;
  row.meter.hidden = !isWorking(video);
  row.meter.setAttribute("aria-label", `Indexing ${video.title}`);
  row.meter.setAttribute("aria-valuenow", Math.round(video.progress * 100));
  row.bar.style.width = percent(video.progress).replace(" ", "");
  row.remove.setAttribute("aria-label", `Delete ${video.title}`);
  if (hasPictures(video) && (!row.picture || !isWorking(video))) showPoster(row, mediaUrl(video.thumbnail_url));
}

function showPoster(row, src) {
  if (row.picture?.getAttribute("src") === src) return;
  row.picture?.remove();
  row.picture = picture(src);
  row.poster.append(row.picture);
}

/** Say in a line where a video stands. */
function describe(video) {
  if (video.status === "failed") return "Could not be indexed";
  const length = video.duration_s ? clock(video.duration_s) : "";
  if (!isWorking(video)) return [length, video.warnings.length ? count(video.warnings.length, "warning", "warnings") : ""].filter(Boolean).join(" · ");
  const stage = STAGES[video.stage] ?? video.stage;
  const eta = remaining(state.etas.get(video.id));
  return [video.status === "indexing" || video.progress ? percent(video.progress) : "", stage, eta].filter(Boolean).join(" · ");
}

async function remove(id) {
  const target = state.videos.get(id);
  if (!await confirmDelete(target.title)) return;
  try {
    await request(`/v1/videos/${id}`, { method: "DELETE" });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status !== 404) {
      state.rows.get(id).facts.textContent = sayError(error).join(" ");
      return;
    }
  }
  forget(id);
  arrange();
}

/** Follow the event streams of the first unfinished videos; the poll covers the rest, and streams that break. */
function watch() {
  for (const video of videos().filter(isWorking)) {
    if (state.streams.size >= MAX_STREAMS) return;
    if (!state.streams.has(video.id)) follow(video.id);
  }
}

async function follow(id) {
  const aborter = new AbortController();
  state.streams.set(id, aborter);
  try {
    for await (const { event, data } of stream(`/v1/videos/${id}/events`, { signal: aborter.signal })) {
      if (event === "deleted") refresh();
      else if (event !== "part") takeProgress(id, data);
    }
  } catch (error) {
    /* A cut stream throws TypeError, a deleted video ApiError, our own abort AbortError: the poll goes on in each case. */
    if (!(error instanceof ApiError || error instanceof TypeError || error.name === "AbortError")) throw error;
  } finally {
    if (state.streams.get(id) === aborter) state.streams.delete(id);
  }
}

function takeProgress(id, data) {
  const known = state.videos.get(id);
  if (!known) return;
  state.etas.set(id, data.eta_s);
  const shared = Object.fromEntries(Object.entries(data).filter(([name]) => name in known));
  const next = { ...known, ...shared, progress: Math.max(known.progress, shared.progress ?? 0) };
  keep(next);
  if (isWorking(known) && !isWorking(next)) refresh();
}
