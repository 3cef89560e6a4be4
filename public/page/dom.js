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

/** Copies, and says so on the button for two seconds. */
export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    prompt(say("copy"), text); // no clipboard without https or permission: to be taken by hand
    return;
  }
  button.dataset.before ??= button.dataset.t;
  tell(button, "copied");
  announce(say("copied"));
  setTimeout(() => tell(button, button.dataset.before), 2000);
}
