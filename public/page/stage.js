/** Where pictures appear: the one that is drawn or looked at, and this session's others. */
import { at, copy, make } from "./dom.js";
import { modelName } from "./form.js";
import { ahead, span, tell } from "./words.js";

const REFRESH_MS = 5000; // how often the times left are put right
const CLOCK_MS = 250;

/**
 * @typedef {object} Picture
 * @property {import("./form.js").Wish} wish with the seed of this very picture
 * @property {{name: string, text: string}[]} lines what the service told about it
 * @property {string} url "" where it is not stored
 * @property {number} expires Unix time in milliseconds
 * @property {string} file name to be saved under
 * @property {HTMLImageElement} image
 * @property {HTMLElement} left where the gallery shows the time left
 */

/** @type {Picture[]} */
const pictures = [];
/** @type {Picture | undefined} */
let shown;
let clock = 0;

/** @param {(wish: object) => void} again draws a wish once more */
export function start(again) {
  at("copy-link").addEventListener("click", ({ target }) => copy(shown.url, target));
  at("copy-markdown").addEventListener("click", ({ target }) => copy(markdown(shown), target));
  at("again").addEventListener("click", () => again(shown.wish));
  setInterval(refresh, REFRESH_MS);
}

const markdown = ({ url, wish }) => `![${wish.prompt.replace(/\s+/g, " ").replace(/[[\]\\]/g, "\\$&")}](${url})`;

/** The empty frame, in the shape that is wished for. */
export function preview(ratio) {
  if (shown || clock) return;
  shape(...ratio.split(":"));
  at("note-top").textContent = ratio;
}

function shape(width, height) {
  at("frame").style.setProperty("--width", width);
  at("frame").style.setProperty("--height", height);
}

/** A drawing begins. @returns what was shown until now */
export function begin({ ratio }) {
  const before = shown;
  shown = undefined;
  preview(ratio);
  at("picture").hidden = at("tools").hidden = true;
  at("note").hidden = false;
  at("details").replaceChildren();
  at("frame").className = "busy";
  at("gallery").inert = true;
  tell(at("note-text"), "drawing");
  const began = Date.now();
  clock = setInterval(() => {
    at("note-top").textContent = span((Date.now() - began) / 1000);
  }, CLOCK_MS);
  at("frame").parentNode.scrollIntoView({ block: "nearest" });
  return before;
}

/** A drawing ended: where it brought no picture, the one before comes back. */
export function end(before) {
  clearInterval(clock);
  clock = 0;
  at("frame").className = "";
  tell(at("note-text"), "empty");
  at("gallery").inert = false;
  if (shown) return;
  at("details").replaceChildren();
  if (before) show(before);
}

/** One thing that is known about a picture. */
export function addLine({ name, text }) {
  addRow(name === "notice" ? make("dt", { textContent: "⚠️" }) : tell(make("dt"), name), { textContent: text });
}

function addRow(term, value) {
  at("details").append(make("div", {}, term, make("dd", value)));
}

/** Adds a finished picture. Throws EncodingError where its bytes are none. */
export async function add(wish, lines, url, { blob, expires }) {
  const image = make("img", { src: URL.createObjectURL(blob), alt: wish.prompt });
  await image.decode();
  const words = wish.prompt.match(/[\p{L}\p{N}]+/gu) ?? ["picture"];
  const file = `${words.join("-").slice(0, 60)}.${blob.type.slice(6).replace("jpeg", "jpg")}`;
  const picture = { wish, lines, url: expires ? url : "", expires, file, image, left: make("small") };
  const button = make("button", { onclick: () => show(picture) }, image, picture.left);
  at("gallery").prepend(make("li", {}, button));
  at("session").hidden = false;
  pictures.push(picture);
  return picture;
}

/** @param {Picture} picture */
export function show(picture) {
  const { wish, lines, image } = (shown = picture);
  shape(image.naturalWidth, image.naturalHeight);
  Object.assign(at("picture"), { src: image.src, alt: image.alt, hidden: false });
  at("note").hidden = true;
  at("details").replaceChildren();
  lines.forEach(addLine);
  addRow(tell(make("dt"), "model"), { textContent: modelName(wish.model) });
  if (wish.seed !== null) addRow(tell(make("dt"), "seed"), { textContent: wish.seed });
  addRow(tell(make("dt"), "expires"), { id: "expires" });
  tell(at("again"), wish.seed === null ? "again" : "againSeed");
  Object.assign(at("download"), { href: image.src, download: shown.file });
  at("tools").hidden = false;
  for (const { image, left } of pictures) left.parentNode.setAttribute("aria-pressed", String(image === shown.image));
  refresh();
}

/** Puts every time left right. */
export function refresh() {
  const secondsLeft = ({ expires }) => Math.max(0, (expires - Date.now()) / 1000);
  for (const picture of pictures) {
    const seconds = secondsLeft(picture);
    picture.left.textContent = seconds ? span(seconds) : "–";
  }
  if (!shown) return;
  const seconds = secondsLeft(shown);
  at("copy-link").hidden = at("copy-markdown").hidden = !seconds;
  if (seconds) at("expires").textContent = ahead(seconds);
  else tell(at("expires"), "tabOnly");
}
