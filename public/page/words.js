/** The page's words. Elements remember what they say (data-t: the key, data-v: the values), for a change of language. */
import { stored } from "./storage.js";

const chooser = document.getElementById("language");
const LANGUAGES = [...chooser.options].map((option) => option.value);

const english = gather();
/** @type {Record<string, string>} key to its translations, with "|" between them; under "", the languages */
let table = {};
let column = -1; // of the language, in each of them

function gather() {
  const found = {};
  for (const root of [document, document.querySelector("template").content]) {
    for (const element of root.querySelectorAll("[data-t]")) found[element.dataset.t] = element.textContent;
  }
  return found;
}

/** The sentence of a key, with {0} and {1} filled in. */
export const say = (key, ...values) =>
  (table[key]?.split("|")[column] ?? english[key]).replace(/\{(\d)\}/g, (_, index) => values[index]);

/** Lets an element say something, now and in each language chosen later. */
export function tell(element, key, ...values) {
  element.dataset.t = key;
  element.dataset.v = JSON.stringify(values);
  element.textContent = say(key, ...values);
  return element;
}

export const number = (value, style) => new Intl.NumberFormat(chooser.value, style).format(value);

/** @param {number} dollars @returns {string} "$0.03" */
export const money = (dollars) => number(dollars, { style: "currency", currency: "USD", maximumFractionDigits: 4 });

/** Seconds as the largest unit that tells enough. */
const rounded = (seconds) => {
  const [unit, length] = seconds < 90 ? ["second", 1] : seconds < 5400 ? ["minute", 60] : ["hour", 3600];
  return [Math.round(seconds / length), unit];
};

/** @param {number} seconds @returns {string} "in 29 minutes" */
export const ahead = (seconds) => new Intl.RelativeTimeFormat(chooser.value).format(...rounded(seconds));

/** @param {number} seconds @returns {string} "29 min" */
export function span(seconds) {
  const [value, unit] = rounded(seconds);
  return number(value, { style: "unit", unit, unitDisplay: "short" });
}

/** @param {() => void} changed called after each change of language, the first included */
export async function start(changed) {
  chooser.addEventListener("change", () => {
    stored((storage) => storage.setItem("language", chooser.value));
    speak(chooser.value).then(changed);
  });
  const kept = stored((storage) => storage.getItem("language"));
  await speak(LANGUAGES.includes(kept) ? kept : preferred());
  changed();
}

/** The first of the browser's languages that is one of ours. */
function preferred() {
  for (const wanted of navigator.languages) {
    const { language, script } = new Intl.Locale(wanted).maximize();
    const ours = language === "zh" ? (script === "Hant" ? "zh-TW" : "zh-CN") : language;
    if (LANGUAGES.includes(ours)) return ours;
  }
  return "en";
}

async function speak(wanted) {
  if (wanted !== "en" && !table[""]) {
    try {
      table = await (await fetch("/page/words.json")).json();
    } catch {
      wanted = "en"; // the page works without its translations
    }
  }
  chooser.value = document.documentElement.lang = wanted;
  column = table[""]?.split("|").indexOf(wanted) ?? -1;
  for (const element of document.querySelectorAll("[data-t]")) {
    element.textContent = say(element.dataset.t, ...JSON.parse(element.dataset.v ?? "[]"));
  }
  for (const element of document.querySelectorAll("[data-placeholder]")) {
    element.placeholder = say(element.dataset.placeholder);
  }
}
