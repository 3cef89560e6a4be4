/** Where pictures appear: those of a drawing, or one of the gallery. */
import { announce, ask, at, canShare, copy, copyPicture, hush, make, share } from "./dom.js";
import { modelName } from "./form.js";
import * as gallery from "./gallery.js";
import { ahead, say, span, tell } from "./words.js";

const REFRESH_MS = 5000; // how often the times left are put right
const CLOCK_MS = 250;

/** What the service could not follow, by its code; other codes are for other APIs. */
const NOTICES = { enlarged: "enlarged", rewrite_refused: "writerFailed" };

/** @typedef {{element: HTMLElement, picture?: import("./gallery.js").Picture, failed?: boolean}} Slot a picture's place */

/** @type {import("./gallery.js").Picture | undefined} */
let shown;
/** @type {Slot[]} */
let slots = [];
let clock = 0;
let began = 0;

/** @param {Record<"edit" | "reuse" | "variation", (picture: object) => void>} actions */
export function start(actions) {
  const wired = {
    ...actions,
    "copy-link": (picture, button) => copy(picture.url, button),
    "copy-markdown": (picture, button) => copy(markdown(picture), button),
    "copy-picture": (picture, button) => copyPicture(picture.blob, button),
    share,
    favourite: async (picture) => {
      await gallery.favour(picture, !picture.favourite);
      describe();
    },
    delete: async (picture) => {
      if (!(await ask("askAll", 1))) return;
      await gallery.remove(picture);
      if (slots.length > 1) drop(picture);
      else clear();
    },
  };
  for (const [id, act] of Object.entries(wired)) {
    at(id).addEventListener("click", ({ currentTarget }) => act(shown, currentTarget));
  }
  setInterval(refresh, REFRESH_MS);
}

const markdown = ({ url, wish }) => `![${wish.prompt.replace(/\s+/g, " ").replace(/[[\]\\]/g, "\\$&")}](${url})`;

// --- places ---

function lay(list) {
  slots = list;
  at("frame").replaceChildren(...slots.map(({ element }) => element));
  const columns = Math.min(slots.length, slots.length > 4 ? 4 : 2);
  at("frame").style.setProperty("--columns", columns);
  at("frame").style.setProperty("--rows", Math.ceil(slots.length / columns));
}

function shape({ element }, width, height) {
  element.style.setProperty("--width", width);
  element.style.setProperty("--height", height);
}

/** A place whose picture is awaited. */
function awaited(ratio, caption) {
  const slot = { element: make("div", { className: "slot busy" }) };
  fill(slot, caption, note("", "drawing"));
  shape(slot, ...ratio);
  return slot;
}

function fill({ element }, caption, ...shown) {
  element.replaceChildren(...shown);
  if (caption) element.append(make("span", { className: "caption", textContent: caption }));
}

const note = (top, key) => make("p", { className: "note" }, make("b", { textContent: top }), tell(make("span"), key));

const sides = ({ ratio, width, height }) => (width ? [width, height] : ratio.split(":"));

/** The empty place, in the shape that is wished for. */
export function preview(wish) {
  if (shown || clock || slots.some(({ failed }) => failed)) return;
  const slot = { element: make("div", { className: "slot" }) };
  slot.element.append(note(sides(wish).join(wish.width ? "x" : ":"), "empty"));
  shape(slot, ...sides(wish));
  lay([slot]);
}

export function clear() {
  shown = undefined;
  slots = [];
  at("tools").hidden = true;
  at("details").replaceChildren();
  gallery.mark("");
}

// --- a drawing ---

/** @param {object[]} wishes @returns {{slots: Slot[]}[]} the places of each of them */
export function begin(wishes) {
  clear();
  const jobs = wishes.map((wish) => ({
    caption: wishes.length > 1 ? modelName(wish.model) : "",
    slots: [],
  }));
  jobs.forEach((job, index) => {
    job.slots = Array.from({ length: wishes[index].n }, () => awaited(sides(wishes[index]), job.caption));
  });
  lay(jobs.flatMap((job) => job.slots));
  began = Date.now();
  clock = setInterval(tick, CLOCK_MS);
  at("frame").parentNode.scrollIntoView({ block: "nearest" });
  return jobs;
}

function tick() {
  const time = span((Date.now() - began) / 1000);
  for (const { element, picture } of slots) if (!picture) element.querySelector(".note b")?.replaceChildren(time);
}

/** What will be drawn: directives in the prompt may differ from the form. */
export function plan(job, { n, size }) {
  const ratio = size.split("x");
  while (job.slots.length < n) {
    const slot = awaited(ratio, job.caption);
    slots.splice(slots.indexOf(job.slots.at(-1)) + 1, 0, slot);
    job.slots.push(slot);
  }
  const over = new Set(job.slots.splice(n));
  job.slots.forEach((slot) => shape(slot, ...ratio));
  lay(slots.filter((slot) => !over.has(slot)));
}

export function foretell(key, text) {
  if (!shown) addRow(tell(make("dt"), key), { textContent: text });
  announce(text);
}

/** A picture takes its place. Throws EncodingError where its bytes are none. */
export async function place(job, index, picture, open) {
  const image = make("img", { src: gallery.source(picture), alt: picture.wish.prompt });
  await image.decode();
  const slot = job.slots[index];
  hang(slot, picture, image, open, job.caption);
  if (!shown) choose(picture);
}

function hang(slot, picture, image, open, caption) {
  slot.picture = picture;
  slot.element.className = "slot";
  const button = make("button", { className: "picture", onclick: () => open(picture) }, image);
  button.title = say("fullSize");
  fill(slot, caption, button);
  shape(slot, image.naturalWidth, image.naturalHeight);
}

/** Shows once why pictures of a job are missing. @param {string[]} sentence for `tell` */
export function fail(job, sentence, again) {
  const slot = job.slots.find((one) => !one.picture);
  if (!slot) return;
  slot.failed = true;
  slot.element.className = "slot failed";
  const button = tell(make("button", { className: "retry", onclick: again, hidden: true }), "tryAgain");
  fill(slot, job.caption, tell(make("p"), ...sentence), button);
}

/** The drawing is over; places that are still awaited were given up. */
export function end() {
  clearInterval(clock);
  clock = 0;
  const left = slots.filter(({ picture, failed }) => picture || failed);
  if (left.length) lay(left);
  else clear();
  if (!shown) at("details").replaceChildren();
}

// --- a picture ---

/** Looks at a picture of the gallery. */
export async function show(picture, open) {
  if (clock) return;
  const slot = slots.find((one) => one.picture?.id === picture.id);
  if (!slot) {
    const image = make("img", { src: gallery.source(picture), alt: picture.wish.prompt });
    await image.decode();
    const only = { element: make("div") };
    hang(only, picture, image, open);
    lay([only]);
  }
  choose(picture);
}

function choose(picture) {
  shown = picture;
  for (const { element, picture: one } of slots) element.classList.toggle("chosen", one?.id === picture.id);
  gallery.mark(picture.id);
  describe();
}

function drop(picture) {
  lay(slots.filter((slot) => slot.picture?.id !== picture.id));
  const next = slots.find((slot) => slot.picture)?.picture;
  if (next) choose(next);
  else clear();
}

/** What is known about the picture, and what can be done with it. */
export function describe() {
  if (!shown) return;
  const { wish, told, file, favourite } = shown;
  at("details").replaceChildren();
  const said = [
    ["prompt", wish.prompt],
    ["negative", wish.negative],
    ["written", told.writer && told.prompt],
    ["writer", told.writer],
    ["size", told.size],
    ["model", modelName(told.model)],
    ["steps", told.steps],
    ["seed", told.seed],
  ];
  for (const [key, text] of said) if (text || text === 0) addRow(tell(make("dt"), key), { textContent: text });
  const notices = told.notices.filter((code) => NOTICES[code]).map((code) => [NOTICES[code]]);
  if (told.writer_failed) notices.push(["writerFailed"]);
  if (told.asked && told.asked !== told.model) notices.push(["fallback", modelName(told.asked)]);
  if (told.ignored.length) notices.push(["ignored", told.ignored.join(", ")]);
  for (const words of notices) addRow(make("dt", { textContent: "⚠️" }), tell(make("dd"), ...words));
  addRow(tell(make("dt"), "expires"), { id: "expires" });
  addRow(tell(make("dt"), "kept"), tell(make("dd"), shown.tabOnly ? "tabOnly" : "inBrowser"));
  Object.assign(at("download"), { href: gallery.source(shown), download: file });
  at("favourite").setAttribute("aria-pressed", String(favourite));
  at("share").hidden = !canShare(shown);
  at("tools").hidden = false;
  refresh();
}

function addRow(term, value) {
  at("details").append(make("div", {}, term, value instanceof Element ? value : make("dd", value)));
}

/** Puts every time left right. */
export function refresh() {
  gallery.refresh();
  if (!shown) return;
  const seconds = Math.max(0, (shown.expires - Date.now()) / 1000);
  at("copy-link").hidden = at("copy-markdown").hidden = !seconds;
  const row = at("expires");
  if (!seconds) tell(row, shown.url ? "linkGone" : "tabOnly");
  else {
    hush(row);
    row.textContent = ahead(seconds);
  }
}
