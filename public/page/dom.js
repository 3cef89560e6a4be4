/** What every part of the page does with its elements. */
import { say, tell } from "./words.js";

/** @param {string} id @returns {any} the element */
export const at = (id) => document.getElementById(id);

/** A new element; foreign text goes in as `textContent`. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** One of several to choose from, the first of them chosen. */
export function choice(name, value, index, ...shown) {
  const input = make("input", { type: "radio", name, value, checked: index === 0 });
  return make("label", {}, input, make("span", {}, ...shown, value));
}

/** Heard by screen readers, seen nowhere. */
export const announce = (text) => at("announcer").append(make("p", { textContent: text }));

/** Lets an element say nothing. */
export function hush(element) {
  delete element.dataset.t;
  element.textContent = "";
}

/** Says on a button for two seconds that it was copied. */
function copied(button) {
  button.dataset.before ??= button.dataset.t;
  tell(button, "copied");
  announce(say("copied"));
  setTimeout(() => tell(button, button.dataset.before), 2000);
}

export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    prompt(say("copy"), text); // no clipboard without https or permission: to be taken by hand
    return;
  }
  copied(button);
}

/** Copies a picture. The clipboard takes PNG alone. */
export async function copyPicture(blob, button) {
  const png = redrawn(blob, "image/png");
  await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
  copied(button);
}

const files = ({ blob, file }) => ({ files: [new File([blob], file, { type: blob.type })] });
export const canShare = (picture) => navigator.canShare?.(files(picture)) ?? false;
export const share = (picture) => navigator.share(files(picture)).catch(() => {}); // the person may change their mind

/** A picture re-encoded, at most `side` pixels long. Rejects what the browser cannot read. */
export async function redrawn(blob, type, side = Infinity) {
  const bitmap = await createImageBitmap(blob);
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = make("canvas", { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve) => canvas.toBlob(resolve, type, 0.92));
}

/** Asks before something that cannot be undone. @returns {Promise<boolean>} */
export function ask(question, ...values) {
  const dialog = at("question");
  tell(at("question-text"), question, ...values);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}
