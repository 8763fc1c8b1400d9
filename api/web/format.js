/* Says times, sizes and modalities in words. It knows no element and no API. */

/** Modalities in the order they are shown, with how a person would say them. */
export const MODALITIES = {
  speech: "Spoken",
  screen: "On screen",
  visual: "Seen",
  object: "Object",
  caption: "Described",
  metadata: "Context",
};

export const modalityName = (modality) => MODALITIES[modality] ?? modality;

/* Kinds of reasons that are not what is said, written or shown. */
const REASON_KINDS = { title: "Title", file_name: "File name", place: "Place", order: "Order", link: "Link" };

export const reasonName = ({ kind, modality }) => REASON_KINDS[kind] ?? modalityName(modality);

/** Return by what a moment was found, in a word or two. */
export function foundBy({ modality, reasons }) {
  const [first] = reasons;
  return modality === "metadata" && first ? reasonName(first) : modalityName(modality);
}

/** Return m:ss, or h:mm:ss from an hour on; 65 becomes 1:05. */
export function clock(time_s) {
  const whole = Math.max(0, Math.floor(time_s || 0));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const seconds = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

export function clockRange(start_s, end_s) {
  const [start, end] = [clock(start_s), clock(end_s)];
  return start === end ? start : `${start} – ${end}`;
}

/** Return "about 2 min left" and the like; "" when unknown. */
export function remaining(eta_s) {
  if (!Number.isFinite(eta_s) || eta_s === null) return "";
  if (eta_s < 5) return "almost done";
  if (eta_s < 90) return `about ${Math.ceil(eta_s / 5) * 5} s left`;
  if (eta_s < 5400) return `about ${Math.round(eta_s / 60)} min left`;
  return `about ${Math.round(eta_s / 3600)} h left`;
}

export function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let power = 0;
  let value = count;
  while (value >= 1000 && power < units.length - 1) {
    value /= 1000;
    power += 1;
  }
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

export const percent = (share) => `${Math.round(Math.min(1, Math.max(0, share || 0)) * 100)} %`;

export const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;
