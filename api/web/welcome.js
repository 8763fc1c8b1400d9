/* Says what to do first where no video is shown. */

import { byId, h, icon } from "./dom.js";
import { videos } from "./library.js";
import { chooseFiles } from "./uploads.js";

/** Show how to begin, or why the library cannot be shown. */
export function showWelcome(error = null) {
  const box = byId("welcome");
  if (error) {
    const retry = h("button", { class: "button", type: "button", on: { click: () => location.reload() } }, "Try again");
    box.replaceChildren(h("h1", {}, error.message), h("p", {}, error.remedy), retry);
  } else if (!videos().length) {
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
