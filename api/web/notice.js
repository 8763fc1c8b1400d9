/* Says what a click or a link could not do, and why. It knows no part of the page but that line. */

import { ApiError } from "./api.js";
import { byId, h } from "./dom.js";

const GONE = ["This video is not in the library any more.", "It may have been deleted, or the link may lead to another library."];

/** Return an ApiError in lines to show. */
export const sayError = (error) => [error.message, error.remedy].filter(Boolean);

/** Return why there is no such video, in lines to show. */
export function sayMissing(error) {
  if (!(error instanceof ApiError)) throw error;
  return error.status === 404 ? GONE : sayError(error);
}

/** Show the lines; the next step takes them away. */
export function showNotice(lines) {
  byId("notice").hidden = !lines.length;
  byId("notice").replaceChildren(...lines.map((line) => h("span", {}, line)));
}
