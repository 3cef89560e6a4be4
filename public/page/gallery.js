/** The pictures that were drawn: kept in this browser (IndexedDB), shared by its tabs. */
import { ask, at, hush, make } from "./dom.js";
import { keeps, stored } from "./storage.js";
import { say, span, tell } from "./words.js";

const STORE = "pictures";
const SAVE_MS = 150; // between files: browsers drop some of those that come all at once

/**
 * `wish` is what draws this very picture, `told` what the service told about it; times are Unix milliseconds, `expires`
 * that of the link, 0 without one.
 * @typedef {{id: string, time: number, blob: Blob, wish: import("./form.js").Wish, told: object, url: string,
 *   expires: number, file: string, favourite: boolean, tabOnly?: boolean}} Picture
 */

/** @type {Map<string, Picture & {source?: string, item?: HTMLElement}>} newest first */
let pictures = new Map();
let current = "";
let select = () => {};
const channel = new BroadcastChannel("gallery");
const database = open();

/** The browser's store; null where it forbids one. */
function open() {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open("flux-image-api", 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
}

/** Does something with the store; rejects with a QuotaExceededError where it is full. */
async function inStore(mode, use) {
  const db = await database;
  if (!db) return undefined;
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(STORE, mode);
    const request = use(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? request.error);
  });
}

/** @param {(picture: Picture) => void} selected called with a picture that is clicked on */
export async function start(selected) {
  select = selected;
  channel.addEventListener("message", reload);
  at("keep").checked = keeps();
  at("keep").addEventListener("change", switchKeeping);
  at("clear").addEventListener("click", async () => {
    if (await ask("askAll", pictures.size)) clear();
  });
  at("export").addEventListener("click", save);
  await reload();
}

/** Reads what is kept. What is in this tab alone stays. */
async function reload() {
  const kept = (await inStore("readonly", (store) => store.getAll()).catch(() => [])) ?? [];
  const here = [...pictures.values()].filter((one) => one.tabOnly);
  const gone = pictures;
  pictures = new Map(sorted([...kept, ...here]).map((one) => [one.id, Object.assign(gone.get(one.id) ?? {}, one)]));
  for (const [id, { source }] of gone) if (source && !pictures.has(id)) URL.revokeObjectURL(source);
  list();
}

const sorted = (list) => list.sort((one, other) => other.time - one.time);

export const all = () => [...pictures.values()];

/** The URL under which the page shows a picture. */
export const source = (picture) => (picture.source ??= URL.createObjectURL(picture.blob));

/** Keeps a picture that was drawn. */
export async function add(picture) {
  if (!keeps() || !(await database)) picture.tabOnly = true;
  else await store(picture);
  pictures = new Map(sorted([picture, ...all()]).map((one) => [one.id, one]));
  list();
  return picture;
}

/** Stores a picture; where there is no room, the oldest that are no favourites go. */
async function store(picture) {
  const { source, item, tabOnly, ...record } = picture;
  for (;;) {
    try {
      await inStore("readwrite", (store) => store.put(record));
      channel.postMessage("");
      return;
    } catch (error) {
      const full = error?.name === "QuotaExceededError";
      const oldest = full && all().findLast((one) => !one.favourite && !one.tabOnly && one.id !== picture.id);
      picture.tabOnly = !oldest;
      if (full) tell(at("gallery-note"), "storageFull");
      if (!oldest) return;
      await remove(oldest);
    }
  }
}

export async function favour(picture, favourite) {
  picture.favourite = favourite;
  if (favourite) navigator.storage?.persist?.();
  if (!picture.tabOnly) await store(picture);
  list();
}

export async function remove(picture) {
  if (!picture.tabOnly) await inStore("readwrite", (store) => store.delete(picture.id)).catch(() => {});
  pictures.delete(picture.id);
  channel.postMessage("");
  list();
}

/** Deletes all of them, in this tab and in the browser. */
export async function clear() {
  await inStore("readwrite", (store) => store.clear()).catch(() => {});
  pictures.clear();
  hush(at("gallery-note"));
  channel.postMessage("");
  list();
}

/** Saves each picture as a file, and the settings of all of them. */
async function save() {
  const settings = all().map(({ wish: { pictures: sources, ...said }, file, time, favourite }, index) => ({
    file: `${pictures.size - index}-${file}`,
    time: new Date(time).toISOString(),
    favourite,
    ...said,
  }));
  const list = new Blob([JSON.stringify(settings, null, 2)], { type: "application/json" });
  const files = all().map((picture, index) => [source(picture), settings[index].file]);
  for (const [href, download] of [...files, [URL.createObjectURL(list), "settings.json"]]) {
    make("a", { href, download }).click();
    await new Promise((resolve) => setTimeout(resolve, SAVE_MS));
  }
}

async function switchKeeping() {
  const keep = at("keep").checked;
  stored((storage) => {
    if (keep) storage.removeItem("keep");
    else {
      storage.setItem("keep", "no");
      storage.removeItem("form");
    }
  });
  const kept = all().filter((one) => !one.tabOnly).length;
  if (!keep && kept && (await ask("askAll", kept))) await clear();
}

// --- the list ---

/** Shows which picture is looked at. */
export function mark(id) {
  current = id;
  for (const one of pictures.values()) one.item?.firstChild.setAttribute("aria-pressed", String(one.id === id));
}

function list() {
  const rows = all();
  for (const one of rows) one.item ??= item(one);
  at("gallery").replaceChildren(...rows.map((one) => one.item));
  at("gallery-tools").hidden = !rows.length;
  at("keep-note").hidden = !rows.length && !at("keep").checked;
  mark(current);
  refresh();
}

function item(picture) {
  const image = make("img", { src: source(picture), alt: picture.wish.prompt, loading: "lazy" });
  return make("li", {}, make("button", { onclick: () => select(picture) }, image, make("small")));
}

/** Puts every time left right. */
export function refresh() {
  for (const { item, favourite, expires } of pictures.values()) {
    if (!item) continue;
    const seconds = Math.max(0, (expires - Date.now()) / 1000);
    const small = item.querySelector("small");
    small.textContent = [favourite && "★", seconds && `↗ ${span(seconds)}`].filter(Boolean).join(" ");
    small.title = seconds ? say("expires") : "";
  }
}
