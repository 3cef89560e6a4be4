/** What a wish costs, and what was spent today. */
import { call } from "./api.js";
import { at } from "./dom.js";
import { money, number, say, tell } from "./words.js";

const TILE = 512; // pixels a side
const MEGAPIXEL = 2 ** 20; // pixels
const FREE_NEURONS = 1e4; // of an account, each day
const A_NEURON = 11e-6; // dollars

const tiles = ([width, height]) => Math.ceil(width / TILE) * Math.ceil(height / TILE);
const megapixels = ([width, height]) => Math.ceil((width * height) / MEGAPIXEL);
const sum = (list, count) => list.reduce((total, one) => total + count(one), 0);

/**
 * One picture's price in its model's unit, as src/flux/prices.py counts it; undefined where none is published.
 * @param {object} model of the API
 * @param {number[]} sides of the picture
 * @param {number} steps 0 for the service's own
 * @param {number[][]} images sides of the pictures that go in
 */
export function price({ pricing, capabilities }, sides, steps, images) {
  if (!pricing) return undefined;
  const { example } = pricing;
  const picture = capabilities.size ? sides : example.size.split("x");
  const further = megapixels(picture) - 1;
  const large = further > 0 && pricing.per_large_picture > 0;
  const count = steps || example.steps;
  const taken = images.map((image) => image.map((side) => Math.min(side, capabilities.image_side)));
  const counts = {
    picture: !large,
    large_picture: large,
    tile: tiles(picture),
    step: count,
    tile_step: tiles(picture) * count,
    first_megapixel: 1,
    megapixel: further,
    image: taken.length,
    image_tile: sum(taken, tiles),
    image_tile_step: sum(taken, tiles) * count,
    image_megapixel: sum(taken, megapixels),
  };
  return sum(Object.entries(counts), ([name, times]) => times * (pricing[`per_${name}`] ?? 0));
}

/** @param {{name: string, unit?: string, each?: number, n: number}[]} parts one for each model; `each`: a picture's price */
export function show(parts) {
  const priced = parts.filter(({ each }) => each !== undefined);
  const unpriced = parts.filter((part) => !priced.includes(part)).map(({ name }) => name);
  const [{ unit, each }] = parts;
  const total = { neurons: 0, dollars: 0 };
  for (const part of priced) total[part.unit] += part.each * part.n;
  const said = [
    parts.length === 1 && each !== undefined && say("each", amount({ [unit]: each })),
    priced.length > 0 && sum(parts, ({ n }) => n) > 1 && say("together", amount(total)),
    parts.length === 1 && unit === "neurons" && say("free", number(Math.floor(FREE_NEURONS / each + 1e-9))),
    unpriced.length > 0 && say("unpriced", unpriced.join(", ")),
  ];
  at("cost").textContent = said.filter(Boolean).join("; ");
}

const amount = ({ neurons, dollars }) =>
  [neurons && say("neurons", number(neurons)), dollars && money(dollars)].filter(Boolean).join(" + ");

/** What was spent today, where the service counts it. */
export async function showToday(key) {
  const usage = key ? await call("/v1/usage", { key }).then((response) => response.json(), () => ({})) : {};
  at("today").hidden = !usage.counting;
  if (!usage.counting) return;
  const { today, budget } = usage.key.budget || !usage.deployment.budget ? usage.key : usage.deployment;
  const spent = (unit, write) => [today[unit], budget?.[unit]?.limit].filter((one) => one >= 0).map(write).join(" / ");
  const neurons = spent("neurons", (count) => number(Math.ceil(count)));
  // Dollars include the neurons, each call rounded up: shown only if something else was paid for.
  const more = budget?.dollars || today.dollars - today.neurons * A_NEURON > 1e-3;
  const said = [budget && !budget.neurons ? "" : say("neurons", neurons), more ? spent("dollars", money) : ""];
  tell(at("today"), "today", number(today.pictures), said.filter(Boolean).join(", "));
}
