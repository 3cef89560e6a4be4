/** What a wish costs, and what was spent today. */
import { call } from "./api.js";
import { at } from "./dom.js";
import { number, tell } from "./words.js";

const TILE = 512; // pixels a side
const MEGAPIXEL = 2 ** 20; // pixels

/**
 * One picture's neurons, as src/flux/prices.py counts them; undefined where the price is not published.
 * @param {object} model of the API @param {number[]} sides of the picture @param {number} steps 0 for the service's own
 */
export function neurons({ pricing, capabilities }, sides, steps) {
  if (pricing?.unit !== "neurons") return undefined;
  const { example, per_tile = 0, per_step = 0, per_tile_step = 0, per_first_megapixel = 0, per_megapixel = 0 } = pricing;
  const [width, height] = capabilities.size ? sides : example.size.split("x");
  const tiles = Math.ceil(width / TILE) * Math.ceil(height / TILE);
  const count = steps || example.steps;
  const further = Math.ceil((width * height) / MEGAPIXEL) - 1;
  const fixed = tiles * per_tile + per_first_megapixel + further * per_megapixel;
  return fixed + count * (per_step + tiles * per_tile_step);
}

/**
 * One picture's dollars with a model of another maker; undefined where the price is not published.
 * @param {object} model of the API @param {number[]} sides of the picture
 */
export function dollars({ pricing }, sides) {
  if (pricing?.unit !== "dollars") return undefined;
  const { per_picture = 0, per_large_picture = per_picture, per_first_megapixel = 0, per_megapixel = 0 } = pricing;
  const further = Math.ceil((sides[0] * sides[1]) / MEGAPIXEL) - 1;
  return (further ? per_large_picture : per_picture) + per_first_megapixel + further * per_megapixel;
}

/** @param {number | undefined} cost of one picture in neurons @param {number | undefined} money in dollars */
export function show(cost, money) {
  if (money) tell(at("cost"), "costsDollars", number(money));
  else if (cost) tell(at("cost"), "costs", number(cost), number(Math.floor(1e4 / cost + 1e-9)));
  else tell(at("cost"), "unpriced");
}

/** Asks what was spent, where the service counts it and the person has a key. */
export async function showToday(key) {
  const usage = key ? await call("/v1/usage", { key }).then((response) => response.json(), () => ({})) : {};
  at("today").hidden = !usage.counting;
  if (!usage.counting) return;
  const { today, budget } = usage.key.budget || !usage.deployment.budget ? usage.key : usage.deployment;
  const spent = [today.pictures, Math.ceil(today.neurons)];
  if (budget) tell(at("today"), "todayOf", ...[...spent, budget.neurons.limit].map(number));
  else tell(at("today"), "today", ...spent.map(number));
}
