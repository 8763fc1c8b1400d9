/* Takes files by button and by drop, sends them two at a time, and shows how far each is. It knows nothing about indexing. */

import { ApiError, upload } from "./api.js";
import { byId, h, icon } from "./dom.js";
import { bytes, percent } from "./format.js";

const AT_ONCE = 2;
/* More would only share the same line, and the page needs connections for other things. */

const waiting = [];
let nRunning = 0;
let whenAdded = () => {};

/** Listen to the button, the file dialog and drops anywhere on the page; `onAdded(video)` hears of each finished upload. */
export function startUploads(onAdded) {
  whenAdded = onAdded;
  const input = byId("files");
  byId("add").addEventListener("click", chooseFiles);
  input.addEventListener("change", () => {
    addFiles(input.files);
    input.value = "";
  });
  listenToDrops();
}

export const chooseFiles = () => byId("files").click();

function listenToDrops() {
  const drop = byId("drop");
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    drop.hidden = false;
  });
  addEventListener("dragleave", (event) => { if (event.relatedTarget === null) drop.hidden = true; });
  addEventListener("drop", (event) => {
    drop.hidden = true;
    if (!holdsFiles(event)) return;
    event.preventDefault();
    addFiles(event.dataTransfer.files);
  });
}

function addFiles(files) {
  for (const file of files) waiting.push({ file, row: makeRow(file) });
  if (files.length) document.body.dataset.library = "some";
  sendNext();
}

function sendNext() {
  while (nRunning < AT_ONCE && waiting.length) {
    nRunning += 1;
    sendFile(waiting.shift()).finally(() => {
      nRunning -= 1;
      sendNext();
    });
  }
}

async function sendFile({ file, row }) {
  if (row.isCancelled) return;
  const sending = upload(file, (share) => showProgress(row, share, file.size));
  row.abort = sending.abort;
  try {
    whenAdded(await sending.done);
    row.item.remove();
  } catch (error) {
    if (error.name === "AbortError") row.item.remove();
    else if (error instanceof ApiError) showError(row, error);
    else throw error;
  }
}

function makeRow(file) {
  const row = { facts: h("div", { class: "upload-facts" }, "Waiting"), bar: h("i"), abort: () => {}, isCancelled: false };
  row.meter = h("div", { class: "meter", role: "progressbar", "aria-label": `Uploading ${file.name}`, "aria-valuemin": 0, "aria-valuemax": 100 }, row.bar);
  row.close = h("button", { class: "quiet icon-only", type: "button", "aria-label": `Cancel ${file.name}`, on: { click: () => cancel(row) } }, icon("close"));
  row.item = h("li", { class: "upload" },
    h("div", { class: "upload-head" }, h("span", { class: "upload-name", title: file.name }, file.name), row.close), row.facts, row.meter);
  byId("uploads").append(row.item);
  return row;
}

function cancel(row) {
  row.isCancelled = true;
  row.abort();
  row.item.remove();
}

function showProgress(row, share, size_bytes) {
  row.bar.style.width = `${share * 100}%`;
  row.meter.setAttribute("aria-valuenow", Math.round(share * 100));
  row.facts.textContent = share < 1 ? `${percent(share)} of ${bytes(size_bytes)}` : "Checking the file";
}

function showError(row, error) {
  row.item.classList.add("failed");
  row.item.setAttribute("role", "alert");
  row.meter.remove();
  row.close.setAttribute("aria-label", "Dismiss");
  row.facts.replaceChildren(error.message, error.remedy ? h("span", { class: "remedy" }, ` ${error.remedy}`) : "");
}
