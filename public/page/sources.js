/** Pictures to work from: pasted, dropped or chosen. */
import { at, hush, make, redrawn } from "./dom.js";
import { say, tell } from "./words.js";

export const MOST = 4; // as many as any model takes, while it is not known which models there are
const TYPES = ["image/jpeg", "image/png", "image/webp"]; // what the service reads
const MAX_BYTES = 3 * 2 ** 20; // so that four fit into a request, in base64
const MAX_SIDE = 2048; // pixels of what is larger in bytes

/** @type {{blob: Blob, url: string}[]} */
let pictures = [];
let most = MOST;
let onChange = () => {};

export function start(changed) {
  onChange = changed;
  at("add-source").addEventListener("click", () => at("source-files").click());
  at("source-files").addEventListener("change", ({ target }) => {
    add([...target.files]);
    target.value = "";
  });
  addEventListener("paste", (event) => take(event, event.clipboardData));
  for (const kind of ["dragover", "drop"]) {
    addEventListener(kind, (event) => {
      if (event.dataTransfer.types.includes("Files")) event.preventDefault(); // else the browser opens the file
    });
  }
  addEventListener("drop", (event) => take(event, event.dataTransfer));
}

function take(event, { files }) {
  const found = [...files].filter(({ type }) => type.startsWith("image/"));
  if (!found.length) return;
  event.preventDefault();
  add(found);
}

export const chosen = () => pictures.map(({ blob }) => blob);

export const limit = (count) => {
  most = count;
};

/** Adds pictures, as many as there is room for. */
export async function add(blobs) {
  hush(at("source-note"));
  for (const blob of blobs) {
    if (pictures.length >= most) {
      tell(at("source-note"), "takesAtMost", say("model"), most);
      break;
    }
    try {
      const ready = await prepared(blob);
      pictures.push({ blob: ready, url: URL.createObjectURL(ready) });
    } catch {
      tell(at("source-note"), "noPicture", blob.name ?? blob.type);
    }
  }
  show();
}

/** As the service takes it. */
async function prepared(blob) {
  const fits = TYPES.includes(blob.type) && blob.size <= MAX_BYTES;
  if (!fits) return redrawn(blob, "image/jpeg", MAX_SIDE);
  (await createImageBitmap(blob)).close(); // throws where it is no picture after all
  return blob;
}

export function set(blobs) {
  for (const { url } of pictures) URL.revokeObjectURL(url);
  pictures = blobs.map((blob) => ({ blob, url: URL.createObjectURL(blob) }));
  show();
}

function show() {
  at("sources").replaceChildren(
    ...pictures.map(({ url }, index) => {
      const button = make("button", { type: "button", className: "source" }, make("img", { src: url, alt: "" }));
      button.append(tell(make("span", { className: "unseen" }), "removeSource", index + 1), make("b", { textContent: "✕" }));
      button.lastChild.ariaHidden = "true";
      button.addEventListener("click", () => {
        URL.revokeObjectURL(url);
        pictures.splice(index, 1);
        hush(at("source-note"));
        show();
        at("add-source").focus();
      });
      return make("li", {}, button);
    }),
  );
  onChange();
}
