/* Starts the page: joins library, stage, findings, answer and address, and listens to the keyboard. */

import { startAddress, writeHash } from "./address.js";
import { startAnswer } from "./answer.js";
import { ApiError, onKeyNeeded } from "./api.js";
import { askKey } from "./dialogs.js";
import { byId } from "./dom.js";
import * as findings from "./findings.js";
import * as library from "./library.js";
import { showNotice } from "./notice.js";
import * as player from "./player.js";
import { closeFindings, startSearch } from "./search.js";
import * as stage from "./stage.js";
import { startUploads } from "./uploads.js";
import { showWelcome } from "./welcome.js";

const KEYS = {
  "/": () => byId("query").select(),
  " ": () => stage.videoId() && player.togglePlay(),
  ArrowLeft: () => stage.videoId() && player.seek(Math.max(0, player.time_s() - 5)),
  ArrowRight: () => stage.videoId() && player.seek(Math.min(player.duration_s(), player.time_s() + 5)),
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

function goHome(event) {
  event.preventDefault();
  byId("query").value = "";
  closeFindings();
  stage.closeVideo();
}

async function start() {
  onKeyNeeded(askKey);
  listenToKeys();
  byId("notice").addEventListener("click", () => showNotice([]));
  byId("home").addEventListener("click", goHome);
  stage.startStage(writeHash);
  startSearch(() => writeHash(true));
  const openPlace = ({ video_id, start_s }) => stage.openVideo(video_id, { at_s: start_s, play: true });
  findings.startFindings(openPlace);
  startAnswer(openPlace);
  startUploads((video) => { library.add(video); showWelcome(); });
  try {
    await library.startLibrary({
      select: (id) => stage.openVideo(id),
      change: stage.refresh,
      remove: (id) => { if (id === stage.videoId()) stage.closeVideo(); showWelcome(); },
    });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showWelcome(error);
    return;
  }
  showWelcome();
  startAddress();
}

start();
