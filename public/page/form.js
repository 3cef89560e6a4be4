/** The form: what the person wishes for. */
import { price } from "./cost.js";
import { at, choice, hush, make } from "./dom.js";
import * as sources from "./sources.js";
import { keeps, stored } from "./storage.js";
import { tell } from "./words.js";

/** The service's ratios (src/flux/sizes.py) and their sides, each wide one above its tall counterpart. */
const RATIOS = {
  "1:1": [1024, 1024],
  "5:4": [1120, 896],
  "4:3": [1152, 864],
  "3:2": [768, 512],
  "16:9": [1024, 576],
  "2:1": [1440, 720],
  "21:9": [1568, 672],
  "4:5": [896, 1120],
  "3:4": [768, 1024],
  "2:3": [832, 1248],
  "9:16": [576, 1024],
  "1:2": [512, 1024],
  "9:21": [672, 1568],
};
/** The service's choice for edits (DEFAULT_EDIT_MODEL): the cheapest that takes pictures. */
const EDIT_MODEL = "@cf/black-forest-labs/flux-2-klein-4b";
const COUNTS = ["1", "2", "3", "4"];
const SHAPE_SIDE = 22; // pixels of a drawn shape's longer side
const DRAFT = "form";

const form = at("form");
const { prompt, model, negative, steps, seed, width, height, format, optimize } = form.elements;
const NUMBERS = [steps, seed, width, height];
let models = new Map();
let wanted = ""; // the model that a link or the last visit names, before it is known which there are
let onChange = () => {};

/**
 * Where a field is "", 0 or null the choice is the service's.
 * @typedef {{prompt: string, model: string, ratio: string, width: number, height: number, steps: number,
 *   seed: number | null, n: number, negative: string, format: string, optimize: boolean, pictures: Blob[]}} Wish
 */

/** @param {() => void} changed called whenever the wish did */
export function start(changed) {
  onChange = changed;
  at("ratios").append(...Object.keys(RATIOS).map((ratio, index) => choice("ratio", ratio, index, drawn(ratio))));
  at("counts").append(...COUNTS.map((n, index) => choice("n", n, index)));
  form.addEventListener("input", () => {
    hush(at("gallery-note"));
    refresh();
  });
  model.addEventListener("change", () => {
    wanted = "";
    hush(at("model-note"));
    showAbilities();
  });
  prompt.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  for (const idea of at("ideas").children) {
    idea.addEventListener("click", () => {
      prompt.value = idea.textContent;
      prompt.focus();
      refresh();
    });
  }
  at("more").addEventListener("toggle", save);
  sources.start(() => {
    suit();
    refresh();
  });
}

/** Fills in what the form held when the page was left. */
export function restore() {
  const draft = stored((storage) => JSON.parse(storage.getItem(DRAFT)));
  if (draft && keeps()) {
    write(draft);
    at("more").open = draft.more === true;
  }
}

/** Updates what depends on the wish, and keeps it for the next visit. */
function refresh() {
  count();
  save();
  onChange();
}

function save() {
  const { pictures, also, ...wish } = read();
  const draft = JSON.stringify({ ...wish, more: at("more").open });
  stored((storage) => (keeps() ? storage.setItem(DRAFT, draft) : storage.removeItem(DRAFT)));
}

function drawn(ratio) {
  const [width, height] = ratio.split(":");
  const scale = SHAPE_SIDE / Math.max(width, height);
  const shape = make("i");
  Object.assign(shape.style, { width: `${width * scale}px`, height: `${height * scale}px` });
  return shape;
}

/** How long the prompt is, where the model has a limit. */
function count() {
  const limit = models.get(model.value)?.capabilities.prompt;
  const length = prompt.value.trim().length;
  const far = limit && length > limit / 2;
  at("counter").hidden = !far;
  at("counter").classList.toggle("warn", far && length > limit);
  if (far) tell(at("counter"), length > limit ? "tooLong" : "counter", length, limit);
}

// --- models ---

/** @param {object[]} list models of the API @param {object} preferred the one chosen to begin with */
export function setModels(list, preferred) {
  const before = model.value || wanted;
  models = new Map(list.map((one) => [one.id, one]));
  model.replaceChildren(...list.map(({ id, name }) => make("option", { value: id, textContent: name })));
  at("also").replaceChildren(
    ...list.map(({ id, name }) => {
      const box = make("input", { type: "checkbox", name: "also", value: id });
      return make("label", { className: "check" }, box, make("span", { textContent: name }));
    }),
  );
  at("also-field").hidden = list.length < 2;
  model.disabled = false;
  choose(models.has(before) ? before : preferred.id);
  if (before && !models.has(before)) tell(at("model-note"), "notHere", before);
  suit();
}

const sides = ({ ratio, width, height }) => (width && height ? [width, height] : RATIOS[ratio]);

/** What the wish costs with each of its models, for `cost.show`. */
export const costs = () =>
  wishes().map((wish) => {
    const model = models.get(wish.model);
    const images = sources.sides().slice(0, wish.pictures.length);
    const each = price(model, sides(wish), wish.steps, images);
    return { name: model.name, unit: model.pricing?.unit, each, n: wish.n };
  });

export const modelName = (id) => models.get(id)?.name ?? id;

function choose(id) {
  if (models.size) model.value = models.has(id) ? id : model.value;
  else wanted = id;
  showAbilities();
}

const editor = () => models.get(EDIT_MODEL) ?? [...models.values()].find(({ capabilities }) => capabilities.images);

/** Whether a model can follow a wish with pictures, or one without. */
const suits = ({ capabilities }) => (sources.chosen().length ? capabilities.images > 0 : !capabilities.edits_only);

/** Changes a model that cannot follow the wish for one that can, and says so. */
function suit() {
  const chosen = models.get(model.value);
  for (const option of model.options) {
    option.disabled = models.get(option.value)?.capabilities.edits_only && !sources.chosen().length;
  }
  const able = sources.chosen().length ? editor() : [...models.values()].find(suits);
  if (chosen && able && !suits(chosen)) {
    choose(able.id);
    tell(at("model-note"), sources.chosen().length ? "switched" : "switchedBack", able.name, chosen.name);
  }
  showAbilities();
}

function showAbilities() {
  const able = models.get(model.value)?.capabilities;
  if (!able) return;
  sources.limit(Math.max(able.images, editor()?.capabilities.images ?? 0));
  const said = [
    [able.size ? "anySize" : "cut"],
    able.steps && ["takesSteps", ...able.steps],
    able.seed && ["seed"],
    able.negative_prompt && ["negative"],
    able.images && ["takesPictures", able.images],
  ];
  at("abilities").replaceChildren(...said.filter(Boolean).map((words) => tell(make("li"), ...words)));
  steps.disabled = !able.steps;
  [steps.min, steps.max] = able.steps ?? ["", ""];
  seed.disabled = !able.seed;
  negative.disabled = !able.negative_prompt;
  for (const box of at("also").querySelectorAll("input")) {
    box.disabled = box.value === model.value || !suits(models.get(box.value));
    box.checked &&= !box.disabled;
  }
  count();
}

// --- the wish ---

/** What is wrong: the field and the sentence, if anything. */
export function problem() {
  for (const field of [prompt, model, ...NUMBERS]) field.removeAttribute("aria-invalid");
  if (!prompt.value.trim()) return { param: "prompt", say: ["noPrompt"] };
  const wrong = NUMBERS.find((field) => !field.disabled && !field.validity.valid);
  if (wrong) return { param: wrong.id, say: ["wrongNumber", wrong.min, wrong.max] };
  if (!width.value !== !height.value) {
    const open = width.value ? height : width;
    return { param: open.id, say: ["wrongNumber", open.min, open.max] };
  }
  const most = models.get(model.value)?.capabilities.images;
  if (sources.chosen().length > most) return { param: "model", say: ["takesAtMost", modelName(model.value), most] };
}

/** Shows which field a message is about, where it is one of ours. */
export function blame(name) {
  const field = form.elements[name === "negative_prompt" ? "negative" : name];
  if (!field?.setAttribute) return;
  at("more").open ||= at("more").contains(field);
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

const number = (field) => (field.disabled ? 0 : Number(field.value));

export const read = () => ({
  prompt: prompt.value.trim(),
  model: model.value || wanted,
  ratio: form.elements.ratio.value,
  width: number(width),
  height: number(height),
  steps: number(steps),
  seed: seed.disabled || seed.value === "" ? null : Number(seed.value),
  n: Number(form.elements.n.value),
  negative: negative.disabled ? "" : negative.value.trim(),
  format: format.value,
  optimize: optimize.checked,
  pictures: sources.chosen(),
  also: [...at("also").querySelectorAll(":checked")].map((box) => box.value),
});

/** The wishes of the form, one for each model. */
export function wishes() {
  const { also, ...wish } = read();
  return [wish.model, ...also].map((id) => fit({ ...wish, model: id }));
}

/** A wish as its model can follow it, with a seed, so that it can be drawn again. */
export function fit(wish) {
  const able = models.get(wish.model)?.capabilities;
  if (!able) return wish;
  const [least, most] = able.steps ?? [1, 0];
  const open = wish.seed === null && !/--seed\b/.test(wish.prompt);
  return {
    ...wish,
    steps: wish.steps >= least && wish.steps <= most ? wish.steps : 0,
    seed: able.seed ? (open ? crypto.getRandomValues(new Uint32Array(1))[0] : wish.seed) : null,
    negative: able.negative_prompt ? wish.negative : "",
    pictures: wish.pictures.slice(0, able.images),
  };
}

/** Fills the form as if it were typed: what a field does not take is left out. @param {Partial<Wish>} wish */
export function write(wish) {
  const text = (value) => (["string", "number"].includes(typeof value) ? String(value) : "");
  prompt.value = text(wish.prompt);
  negative.value = text(wish.negative);
  for (const field of NUMBERS) {
    const value = wish[field.id];
    field.value = /^\d+$/.test(value) && (field === seed || value > 0) ? value : "";
  }
  form.elements.ratio.value = Object.hasOwn(RATIOS, wish.ratio) ? wish.ratio : "1:1";
  form.elements.n.value = COUNTS.includes(text(wish.n)) ? text(wish.n) : COUNTS[0];
  format.value = text(wish.format);
  if (format.selectedIndex < 0) format.value = "";
  optimize.checked = wish.optimize === true || wish.optimize === "true";
  const id = text(wish.model);
  hush(at("model-note"));
  if (id) choose(id);
  if (id && models.size && !models.has(id)) tell(at("model-note"), "notHere", id);
  if (wish.pictures) sources.set(wish.pictures);
  else suit();
  refresh();
}

/** The form as a URL's fragment, without the key and pictures. */
export function fragment() {
  const { pictures, also, ...wish } = read();
  const said = Object.entries(wish).filter(([, value]) => value !== "" && value !== 0 && value !== null && value !== false);
  return new URLSearchParams(said).toString();
}

/** Fills the form from the fragment and removes that. @returns {boolean} whether there was one */
export function readFragment() {
  const said = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  if (!said.prompt) return false;
  history.replaceState(null, "", location.pathname + location.search);
  write(said);
  return true;
}
