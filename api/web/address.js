/* Keeps the address bar in step with the page: #v=<id>&t=<seconds>&q=<words>&m=ask&in=one&fit=any. */

import * as library from "./library.js";
import { sayMissing, showNotice } from "./notice.js";
import { time_s } from "./player.js";
import { asked, takeUp } from "./search.js";
import { closeVideo, showVideo, videoId } from "./stage.js";

let isReading = false;

export function startAddress() {
  readHash();
  addEventListener("popstate", readHash);
}

/** Write where the page is; a step is something to come back to. */
export function writeHash(isStep) {
  if (isReading) return;
  const parts = new URLSearchParams();
  if (videoId()) {
    parts.set("v", videoId());
    parts.set("t", time_s().toFixed(1));
  }
  const { query, isAsk, isOne, fit } = asked();
  if (query) {
    parts.set("q", query);
    if (isAsk) parts.set("m", "ask");
    if (isOne) parts.set("in", "one");
    if (fit !== "normal") parts.set("fit", fit);
  }
  const hash = `#${parts}`;
  if (hash === location.hash || (hash === "#" && !location.hash)) return;
  history[isStep ? "pushState" : "replaceState"](null, "", hash);
}

/** Bring the page to what the address says; what happens on the way must not write to it. */
async function readHash() {
  const { hash } = location;
  const missing = await fetchLinked(new URLSearchParams(hash.slice(1)).get("v"));
  if (location.hash !== hash) return; // someone went on meanwhile
  isReading = true;
  try {
    applyHash();
  } finally {
    isReading = false;
  }
  writeHash(false);
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
  const at_s = Number.parseFloat(parts.get("t"));
  const video = library.video(parts.get("v"));
  if (video) showVideo(video, { at_s: Number.isFinite(at_s) ? at_s : null });
  else if (videoId()) closeVideo();
  takeUp({ query: parts.get("q") ?? "", isAsk: parts.get("m") === "ask", isOne: parts.get("in") === "one", fit: parts.get("fit") ?? "" });
}
