/* Asks the person: to confirm a deletion, to give the key. It knows nothing about why. */

import { byId } from "./dom.js";

/** Resolve to whether the person agreed. */
export function confirmDelete(title) {
  const dialog = byId("confirm");
  byId("confirm-title").textContent = `Delete “${title}”?`;
  byId("confirm-text").textContent = "The file, its transcript and everything found in it are removed. This cannot be undone.";
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok"), { once: true });
  });
}

/** Resolve to the key that the person typed; the dialog stays until there is one. */
export function askKey(isWrong) {
  const dialog = byId("key-dialog");
  const input = byId("key");
  if (isWrong) byId("key-title").textContent = "That key was refused";
  input.value = "";
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.showModal();
  return new Promise((resolve) => {
    byId("key-form").addEventListener("submit", () => resolve(input.value.trim()), { once: true });
  });
}
