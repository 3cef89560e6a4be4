/** The form: what the person wishes for. */
import { dollars, neurons } from "./cost.js";
import { at, choice, make } from "./dom.js";
import { say, tell } from "./words.js";

/** The service's ratios (src/flux/sizes.py), each wide one above its tall counterpart, and the sides drawn for them. */
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
const COUNTS = ["1", "2", "3", "4"];
const SHAPE_SIDE = 22; // pixels of a drawn shape's longer side

const form = at("form");
const { prompt, model, steps, seed, optimize } = form.elements;
let models = new Map();

/**
 * @typedef {object} Wish
 * @property {string} prompt
 * @property {string} model id; "" leaves it to the service
 * @property {string} ratio
 * @property {number} steps 0 leaves them to the service
 * @property {number | null} seed
 * @property {number} n pictures
 * @property {boolean} optimize
 */

/** @param {() => void} changed called whenever the wish did */
export function start(changed) {
  at("ratios").append(...Object.keys(RATIOS).map((ratio, index) => choice("ratio", ratio, index, drawn(ratio))));
  at("counts").append(...COUNTS.map((n, index) => choice("n", n, index)));
  form.addEventListener("input", changed);
  model.addEventListener("change", showAbilities);
  prompt.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  for (const idea of at("ideas").children) {
    idea.addEventListener("click", () => {
      prompt.value = idea.textContent;
      prompt.focus();
      changed();
    });
  }
}

function drawn(ratio) {
  const [width, height] = ratio.split(":");
  const scale = SHAPE_SIDE / Math.max(width, height);
  const shape = make("i");
  Object.assign(shape.style, { width: `${width * scale}px`, height: `${height * scale}px` });
  return shape;
}

/** @param {object[]} list model objects of the API @param {object} preferred the one chosen to begin with */
export function setModels(list, preferred) {
  models = new Map(list.map((one) => [one.id, one]));
  model.replaceChildren(...list.map(({ id, name }) => make("option", { value: id, textContent: name })));
  model.value = preferred.id;
  model.disabled = false;
  showAbilities();
}

/** Dollars of one picture of a wish, with a model of another maker. */
export const money = ({ model, ratio }) => models.has(model) && dollars(models.get(model), RATIOS[ratio]);
/** Neurons of one picture of a wish. */
export const cost = ({ model, ratio, steps }) => models.has(model) && neurons(models.get(model), RATIOS[ratio], steps);

export const modelName = (id) => models.get(id)?.name ?? id;

function showAbilities() {
  const able = models.get(model.value).capabilities;
  const said = [
    [able.size ? "anySize" : "cut"],
    able.steps && ["takesSteps", ...able.steps],
    able.seed && ["seed"],
    able.negative_prompt && ["takesNegative"],
    able.images && ["takesPictures", able.images],
  ];
  at("abilities").replaceChildren(...said.filter(Boolean).map((words) => tell(make("li"), ...words)));
  steps.disabled = !able.steps;
  [steps.min, steps.max] = able.steps ?? ["", ""];
  seed.disabled = !able.seed;
}

/** What keeps the form from being sent, told at its field; "" where nothing does. */
export function problem() {
  for (const field of [prompt, steps, seed]) field.removeAttribute("aria-invalid");
  if (!prompt.value.trim()) return blame("prompt", say("noPrompt"));
  const wrong = [steps, seed].find((field) => !field.disabled && !field.validity.valid);
  return wrong ? blame(wrong.id, say("wrongNumber", wrong.min, wrong.max)) : "";
}

/** Shows which field a message is about, where it is one of ours. */
export function blame(name, message) {
  const field = at(name);
  field?.setAttribute("aria-invalid", "true");
  field?.focus();
  return message;
}

/** @returns {Wish} */
export const read = () => ({
  prompt: prompt.value.trim(),
  model: model.value,
  ratio: form.elements.ratio.value,
  steps: steps.disabled ? 0 : Number(steps.value),
  seed: seed.disabled || seed.value === "" ? null : Number(seed.value),
  n: Number(form.elements.n.value),
  optimize: optimize.checked,
});

/** A wish with a seed, where the model takes one: without it no picture could be drawn once more. */
export function seeded(wish) {
  const open = wish.seed === null && models.get(wish.model).capabilities.seed && !/--seed\b/.test(wish.prompt);
  return open ? { ...wish, seed: crypto.getRandomValues(new Uint32Array(1))[0] } : wish;
}

/** Puts a wish back. @param {Wish} wish */
export function write(wish) {
  for (const name of ["prompt", "model", "ratio", "n"]) form.elements[name].value = wish[name];
  steps.value = wish.steps || "";
  seed.value = wish.seed ?? "";
  optimize.checked = wish.optimize;
  showAbilities();
}
