/* Shows moments as cards: picture, place, and why each was found. It knows how they look, not how they were searched. */

import { mediaUrl } from "./api.js";
import { byId, dot, h, highlight, icon, picture } from "./dom.js";
import { clockRange, modalityName } from "./format.js";

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
  return h("li", { class: "moment", data: { modality: moment.modality } },
    h("button", { type: "button", "aria-label": `${moment.video_title}, ${place}, ${modalityName(moment.modality)}`, on: { click: () => choose(index) } },
      h("span", { class: "still" }, icon(hasVideo ? "film" : "wave"), hasVideo ? picture(mediaUrl(moment.thumbnail_url)) : null, h("span", { class: "time" }, place)),
      h("span", { class: "body" },
        h("span", { class: "where" },
          h("span", { class: "badge" }, dot(moment.modality), modalityName(moment.modality)),
          h("span", { class: "title" }, moment.video_title),
          h("span", { class: "fit", title: "How well it fits, from 0 to 1; of what only a place names, how much of it lies there" }, `fits ${moment.score.toFixed(2)}`)),
        quoteOf(moment),
        whyOf(moment))));
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
  const byModality = new Map();
  for (const reason of moment.reasons) if (!byModality.has(reason.modality)) byModality.set(reason.modality, reason);
  const items = [...byModality.values()].map((reason) => h("span", { title: `Score ${reason.score.toFixed(3)} in this channel` },
    dot(reason.modality), reason.matched ? `${modalityName(reason.modality)}: ${reason.matched}` : modalityName(reason.modality)));
  return h("span", { class: "why" }, ...items);
}
