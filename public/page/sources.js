/** Pictures to work from: pasted, dropped or chosen. */
import { at, hush, make, redrawn } from "./dom.js";
import { say, tell } from "./words.js";

export const MOST = 4; // as many as any model takes, while it is not known which models there are
const TYPES = ["image/jpeg", "image/png", "image/webp"]; // what the service reads
const MAX_BYTES = 3 * 2 ** 20; // so that four fit into a request, in base64
const MAX_SIDE = 2048; // pixels of what is larger in bytes

/** @type {{blob: Blob, url: string, sides: number[]}[]} `sides` in pixels */
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
export const sides = () => pictures.map((picture) => picture.sides);

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
      pictures.push(await prepared(blob));
    } catch {
      tell(at("source-note"), "noPicture", blob.name ?? blob.type);
    }
  }
  show();
}

/** As the service takes it. Throws where it is no picture. */
async function prepared(given) {
  const fits = TYPES.includes(given.type) && given.size <= MAX_BYTES;
  const blob = fits ? given : await redrawn(given, "image/jpeg", MAX_SIDE);
  const bitmap = await createImageBitmap(blob);
  const sides = [bitmap.width, bitmap.height];
  bitmap.close();
  return { blob, sides, url: URL.createObjectURL(blob) };
}

export async function set(blobs) {
  for (const { url } of pictures.splice(0)) URL.revokeObjectURL(url);
  await add(blobs);
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
