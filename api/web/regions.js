/* Frames a region of a picture, exactly where it is however the picture is cropped or letterboxed. It knows no moments. */

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 0.008;
/* Of the longer side: a frame right at the letters would cover their edges in a small picture. */

const watched = new WeakMap();
const onResize = new ResizeObserver((entries) => entries.forEach(({ target }) => watched.get(target)?.()));

/**
 * Frame the region (shares of width and height) of the image in `box`, once the image is there; `label` says what it is.
 * The image covers the box; where that would cut the region off, the whole image is shown.
 */
export function frameRegion(box, image, region, label) {
  const svg = element("svg", { class: "region", role: "img", "aria-label": label });
  const frame = () => {
    const isCut = cuts(box, image, region);
    box.classList.toggle("whole", isCut);
    svg.setAttribute("preserveAspectRatio", isCut ? "xMidYMid meet" : "xMidYMid slice");
  };
  image.addEventListener("load", () => {
    const { naturalWidth: width, naturalHeight: height } = image;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const place = around(region, width, height);
    const title = element("title");
    title.textContent = label;
    svg.replaceChildren(title, element("rect", { class: "edge", ...place }), element("rect", place));
    image.after(svg);
    watched.set(box, frame);
    onResize.observe(box); // calls at once, too
  }, { once: true });
}

/** Return whether the image, covering the box, loses some of the region at its sides. */
function cuts(box, image, { left, top, right, bottom }) {
  const { naturalWidth: width, naturalHeight: height } = image;
  const scale = Math.max(box.clientWidth / width, box.clientHeight / height);
  const lostAcross = (1 - box.clientWidth / (width * scale)) / 2;
  const lostAlong = (1 - box.clientHeight / (height * scale)) / 2;
  return Math.min(left, 1 - right) < lostAcross || Math.min(top, 1 - bottom) < lostAlong;
}

/** Return the rectangle around the region in pixels of the image, kept inside of it. */
function around({ left, top, right, bottom }, width, height) {
  const margin = MARGIN * Math.max(width, height);
  const [x, y] = [Math.max(0, left * width - margin), Math.max(0, top * height - margin)];
  return { x, y, width: Math.min(width, right * width + margin) - x, height: Math.min(height, bottom * height + margin) - y };
}

function element(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}
