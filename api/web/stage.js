/* Shows one video: its player, its facts, what is said and shown in it, and where in it moments were found. It knows no search. */

import { ApiError, request } from "./api.js";
import { byId, h } from "./dom.js";
import * as findings from "./findings.js";
import { bytes, clock, count } from "./format.js";
import * as library from "./library.js";
import { sayError, sayMissing, showNotice } from "./notice.js";
import * as player from "./player.js";
import * as transcript from "./transcript.js";

const REFETCH_MS = 8000;
/* A ten-hour video publishes a part every few seconds, and its evidence is some megabytes. */

const state = { videoId: null, wantedId: null, shownParts: -1, shown_ms: -Infinity };
let whenMoved = () => {};

/** `onMoved(isStep)` hears when another place is shown; it is a step when another video is. */
export function startStage(onMoved) {
  whenMoved = onMoved;
  player.startPlayer({ time: transcript.followTime, settle: () => whenMoved(false), hit: findings.choose, refuse: showFacts });
  transcript.startTranscript((start_s) => player.seek(start_s, { play: player.isPlaying() }));
}

/** The video that is shown; null for none. */
export const videoId = () => state.videoId;

/** Open the video at the instant, unless another is wanted by the time it is fetched; most are at hand. */
export async function openVideo(id, place = {}) {
  state.wantedId = id;
  showNotice([]);
  try {
    const video = library.video(id) ?? await library.fetchVideo(id);
    if (state.wantedId === id) showVideo(video, place);
  } catch (error) {
    showNotice(sayMissing(error));
  }
}

export function showVideo(video, { at_s = null, play = false } = {}) {
  const { id } = video;
  const isNew = state.videoId !== id;
  state.videoId = id;
  state.wantedId = id;
  document.body.dataset.stage = "open";
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
  whenMoved(isNew);
}

export function closeVideo() {
  state.videoId = null;
  state.wantedId = null;
  document.body.dataset.stage = "closed";
  byId("stage").hidden = true;
  byId("scope").hidden = true;
  player.unload();
  document.title = "Kinograph";
  library.markSelected(null);
  whenMoved(true);
}

/** Take over what is newly known of a video. */
export function refresh(video) {
  if (video.id !== state.videoId) return;
  player.load(video);
  showFacts(video);
  showLinesOf(video);
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

/** Mark where in the video moments were found. */
export function showHits() {
  const here = findings.moments().map((moment, index) => ({ moment, index, isCurrent: index === findings.currentIndex() }))
    .filter(({ moment }) => moment.video_id === state.videoId);
  player.markHits(here);
  transcript.markLines(here.map(({ moment }) => moment));
}
