/* Plays one video and shows where in it things are: lanes of evidence, marks of hits, a needle. It knows no search. */

import { mediaUrl } from "./api.js";
import { byId, h } from "./dom.js";
import { clock, clockRange, foundBy } from "./format.js";

const LANES = { speech: 0, screen: 1, caption: 2, visual: 2, object: 2, metadata: 2 };
const PEEK_STEPS = 120;
/* Peeks snap to this many places along the strip, so that gliding over it asks for few pictures, and those are cached. */
const PEEK_PAUSE_MS = 140;

const media = byId("player");
const state = { video: null, evidence: [], hits: [], pendingSeek_s: null, peekTimer: 0 };
let listeners = { time: () => {}, settle: () => {}, hit: () => {}, refuse: () => {} };

/**
 * Wire the player: `on.time(s)` follows playback, `on.settle()` hears pauses and seeks, `on.hit(index)` clicks on a mark,
 * `on.refuse(video)` that the browser cannot play the file.
 */
export function startPlayer(on) {
  listeners = on;
  media.addEventListener("timeupdate", moveNeedle);
  media.addEventListener("seeking", moveNeedle);
  media.addEventListener("seeked", () => listeners.settle());
  media.addEventListener("pause", () => listeners.settle());
  media.addEventListener("loadedmetadata", seekPending);
  media.addEventListener("error", () => {
    if (!state.video) return;
    showStill();
    listeners.refuse(state.video);
  });
  const strip = byId("strip");
  strip.addEventListener("click", (event) => { if (!event.target.closest(".hit")) seek(timeAt(event)); });
  strip.addEventListener("pointermove", peek);
  strip.addEventListener("pointerleave", hidePeek);
  new ResizeObserver(drawLanes).observe(strip);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawLanes);
}

export const duration_s = () => state.video?.duration_s || media.duration || 0;
export const time_s = () => state.pendingSeek_s ?? media.currentTime;
export const isPlaying = () => !media.paused;
export const isUnplayable = () => media.error !== null;

/** Load the video unless it is there already; then take over what is newly known of it. */
export function load(video) {
  if (state.video?.id !== video.id) {
    Object.assign(state, { video, evidence: [], hits: [], pendingSeek_s: null });
    byId("stage").classList.toggle("audio", !video.has_video);
    byId("frame").style.setProperty("--ratio", video.width_px ? video.width_px / video.height_px : 16 / 9);
    media.removeAttribute("poster");
    media.src = mediaUrl(video.media_url);
    markHits([]);
    hidePeek();
  }
  state.video = video;
  moveNeedle();
  // The file may have been refused before its first part had pictures.
  if (isUnplayable() && !media.poster) showStill();
}

export function unload() {
  state.video = null;
  media.removeAttribute("src");
  media.load();
}

/** Go to the instant, and play on if asked; before the file is known the seek waits for it. */
export function seek(instant_s, { play = false } = {}) {
  if (media.readyState === HTMLMediaElement.HAVE_NOTHING) state.pendingSeek_s = instant_s;
  else media.currentTime = instant_s;
  moveNeedle();
  if (isUnplayable()) showStill();
  else if (play) media.play().catch(() => { /* refused by the browser without a gesture, or cut short by another seek */ });
}

function seekPending() {
  if (state.pendingSeek_s === null) return;
  media.currentTime = state.pendingSeek_s;
  state.pendingSeek_s = null;
}

/** Show the picture of the instant, where the film itself cannot be played. */
function showStill() {
  if (hasPictures()) media.poster = pictureUrl(time_s());
}

/** Return the address of the picture of an instant: the video's own, with another time. */
function pictureUrl(instant_s) {
  const address = new URL(state.video.thumbnail_url, document.baseURI);
  address.searchParams.set("t", instant_s.toFixed(2));
  return mediaUrl(address.pathname + address.search);
}

const hasPictures = () => state.video.has_video && state.video.parts.done > 0;

export function togglePlay() {
  if (media.paused) media.play().catch(() => { /* see seek */ });
  else media.pause();
}

const share = (instant_s) => `${Math.min(1, Math.max(0, instant_s / (duration_s() || 1))) * 100}%`;

function moveNeedle() {
  byId("needle").style.left = share(time_s());
  listeners.time(time_s());
}

/** Show evidence as ticks, a lane a sense: spoken above, on screen in the middle, seen below. */
export function showLanes(evidence) {
  state.evidence = evidence;
  drawLanes();
}

function drawLanes() {
  const canvas = byId("lanes");
  const { width, height } = canvas.getBoundingClientRect();
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  if (!context || !duration_s()) return;
  const style = getComputedStyle(document.documentElement);
  const lane_px = canvas.height / 3;
  context.globalAlpha = 0.75;
  for (const { start_s, end_s, modality } of state.evidence) {
    context.fillStyle = style.getPropertyValue(`--${modality}`);
    const left = (start_s / duration_s()) * canvas.width;
    const right = (end_s / duration_s()) * canvas.width;
    const top = (LANES[modality] ?? 2) * lane_px + lane_px * 0.36;
    context.fillRect(left, top, Math.max(scale, right - left - scale), lane_px * 0.3);
  }
}

/** Mark the moments found in this video. */
export function markHits(hits) {
  state.hits = hits;
  byId("hits").replaceChildren(...hits.map(({ moment, index, isCurrent }) => {
    const place = `${clockRange(moment.start_s, moment.end_s)}, ${foundBy(moment).toLowerCase()}`;
    const mark = h("button", {
      class: isCurrent ? "hit current" : "hit", type: "button", title: place, "aria-label": `Result ${index + 1}: ${place}`,
      on: { click: () => listeners.hit(index) },
    });
    mark.style.left = share(moment.start_s);
    mark.style.width = share(moment.end_s - moment.start_s);
    return mark;
  }));
}

function timeAt(event) {
  const box = byId("strip").getBoundingClientRect();
  return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * duration_s();
}

function peek(event) {
  if (event.pointerType === "touch" || !duration_s()) return;
  const instant_s = timeAt(event);
  byId("peek-time").textContent = clock(instant_s);
  byId("peek").classList.toggle("plain", !hasPictures());
  byId("peek").hidden = false;
  byId("peek").style.left = share(instant_s);
  clearTimeout(state.peekTimer);
  if (!hasPictures()) return;
  const step_s = duration_s() / PEEK_STEPS;
  const shown_s = Math.floor(instant_s / step_s) * step_s;
  state.peekTimer = setTimeout(() => { byId("peek-image").src = pictureUrl(shown_s); }, PEEK_PAUSE_MS);
}

function hidePeek() {
  clearTimeout(state.peekTimer);
  byId("peek").hidden = true;
  byId("peek-image").removeAttribute("src");
}
