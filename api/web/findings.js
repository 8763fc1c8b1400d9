/* Shows moments as cards: picture, place, and why each was found. It knows how they look, not how they were searched. */

import { mediaUrl } from "./api.js";
import { byId, dot, h, highlight, icon, picture } from "./dom.js";
import { clockRange, foundBy, percent, reasonName } from "./format.js";
import { frameRegion } from "./regions.js";

const REGION_NAMES = { screen: "Where it is written", object: "Where it is seen" };

const state = { moments: [], cards: [], current: -1 };
let whenChosen = () => {};

/** `onChosen(moment, index)` hears which card was clicked. */
export const startFindings = (onChosen) => { whenChosen = onChosen; };

export const moments = () => state.moments;
export const currentIndex = () => state.current;

/** Show the moments, best first; `hasVideo(id)` says whether a picture can be expected. */
export function showMoments(found, hasVideo) {
  state.moments = found;
  state.current = -1;
  state.cards = found.map((moment, index) => makeCard(moment, index, hasVideo(moment.video_id)));
  byId("moments").replaceChildren(...state.cards);
}

/** Choose a card as if it was clicked; out of range is ignored. */
export function choose(index) {
  if (!state.moments[index]) return;
  state.current = index;
  state.cards.forEach((card, position) => card.classList.toggle("current", position === index));
  state.cards[index].scrollIntoView({ block: "nearest" });
  whenChosen(state.moments[index], index);
}

function makeCard(moment, index, hasVideo) {
  const place = clockRange(moment.start_s, moment.end_s);
  const framed = hasVideo ? framedReason(moment) : undefined;
  const label = [moment.video_title, place, foundBy(moment), framed ? `${regionName(framed)} is framed` : ""].filter(Boolean).join(", ");
  return h("li", { class: "moment", data: { modality: moment.modality } },
    h("button", { type: "button", "aria-label": label, on: { click: () => choose(index) } },
      makeStill(moment, place, hasVideo, framed),
      h("span", { class: "body" },
        h("span", { class: "where" },
          h("span", { class: "badge" }, dot(moment.modality), foundBy(moment)),
          h("span", { class: "title" }, moment.video_title),
          fitOf(moment)),
        quoteOf(moment),
        whyOf(moment))));
}

/** Return the picture of a moment; where the words or things that it was found by are seen in it is framed. */
function makeStill(moment, place, hasVideo, framed) {
  const image = hasVideo ? picture(mediaUrl(moment.thumbnail_url)) : null;
  const still = h("span", { class: "still" }, icon(hasVideo ? "film" : "wave"), image, h("span", { class: "time" }, place));
  if (framed) frameRegion(still, image, framed.region, regionName(framed));
  return still;
}

/** Return the first reason with a region of the picture that the card shows; undefined if there is none. */
const framedReason = (moment) => moment.reasons.find(({ region }) => region?.picture_url === moment.thumbnail_url);

const regionName = ({ modality }) => REGION_NAMES[modality] ?? "Where it is";

function fitOf(moment) {
  return moment.is_by_place
    ? h("span", { class: "fit", title: "How much of it lies in the place asked for" }, `${percent(moment.score)} there`)
    : h("span", { class: "fit", title: "How well it fits, from 0 to 1" }, `fits ${moment.score.toFixed(2)}`);
}

/** Return the words of the winning evidence, matched ones marked, with their translation; null for a picture. */
function quoteOf(moment) {
  const told = moment.evidence.filter((item) => moment.reasons.some((reason) => reason.modality === item.modality));
  const winners = told.length ? told : moment.evidence.slice(0, 1);
  if (!winners.length) return null;
  const matched = moment.reasons.map((reason) => (reason.evidence_id ? reason.matched : "")).join(" ");
  const read = (texts) => highlight(texts.join(" "), matched);
  const translations = winners.map((item) => item.translation).filter(Boolean);
  return h("span", { class: "quote" }, read(winners.map((item) => item.text)),
    translations.length ? h("span", { class: "translation", title: "Translated by the speech model" }, read(translations)) : null);
}

function whyOf(moment) {
  return h("span", { class: "why" }, ...moment.reasons.map((reason) => {
    const isContent = reason.kind === "content";
    return h("span", { title: isContent ? `Score ${reason.score.toFixed(3)} in this channel` : null },
      dot(isContent ? reason.modality : "metadata"), reason.matched ? `${reasonName(reason)}: ${reason.matched}` : reasonName(reason));
  }));
}
