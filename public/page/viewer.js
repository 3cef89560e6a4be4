/** A picture in full size, with those before and after it. */
import { at, canShare, copyPicture, share } from "./dom.js";
import * as gallery from "./gallery.js";

const STEP = 1.5;
const MOST = 8; // times as large as it fits

const dialog = at("viewer");
const area = at("viewer-area");
const image = at("viewer-picture");
let picture;
let zoom = 1;
let onMove = () => {};

const KEYS = {
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
  "+": () => scale(zoom * STEP),
  "=": () => scale(zoom * STEP),
  "-": () => scale(zoom / STEP),
  0: () => scale(1),
};

for (const [name, key] of [["before", "ArrowLeft"], ["after", "ArrowRight"], ["smaller", "-"], ["larger", "+"]]) {
  at(`viewer-${name}`).addEventListener("click", KEYS[key]);
}
at("viewer-copy").addEventListener("click", ({ target }) => copyPicture(picture.blob, target));
at("viewer-share").addEventListener("click", () => share(picture));
at("viewer-close").addEventListener("click", () => dialog.close());
area.addEventListener("dblclick", () => scale(zoom > 1 ? 1 : 2));
dialog.addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  if (zoom > 1 && event.key.startsWith("Arrow")) return; // they move over a picture that is larger than the screen
  event.preventDefault();
  act();
});

/** @param {import("./gallery.js").Picture} first @param {(picture: object) => void} moved told what is looked at */
export function open(first, moved) {
  onMove = moved;
  show(first);
  dialog.showModal();
  area.focus();
}

function show(next) {
  picture = next;
  const list = gallery.all();
  const place = list.findIndex(({ id }) => id === picture.id);
  Object.assign(image, { src: gallery.source(picture), alt: picture.wish.prompt });
  Object.assign(at("viewer-download"), { href: image.src, download: picture.file });
  at("viewer-share").hidden = !canShare(picture);
  at("viewer-place").textContent = `${place + 1} / ${list.length}`;
  at("viewer-before").disabled = place <= 0;
  at("viewer-after").disabled = place >= list.length - 1;
  scale(1);
}

function move(by) {
  const list = gallery.all();
  const next = list[list.findIndex(({ id }) => id === picture.id) + by];
  if (!next) return;
  show(next);
  onMove(next);
  if (document.activeElement.disabled || document.activeElement === document.body) area.focus();
}

function scale(to) {
  zoom = Math.min(MOST, Math.max(1, to));
  image.style.setProperty("--zoom", zoom);
  at("viewer-smaller").disabled = zoom === 1;
  at("viewer-larger").disabled = zoom === MOST;
}
