import assert from "node:assert/strict";
import test from "node:test";

import { check, findModel } from "./models.js";

const SCHNELL = "@cf/black-forest-labs/flux-1-schnell";
const DEV = "@cf/black-forest-labs/flux-2-dev";
const KLEIN = "@cf/black-forest-labs/flux-2-klein-4b";
const LLAMA = "@cf/meta/llama-3.1-8b-instruct-fast";

const ACCEPTED = [
  [SCHNELL, { prompt: "a" }],
  [SCHNELL, { prompt: "a".repeat(2048), steps: 8 }],
  [DEV, { prompt: "a", width: 256, height: 1920, steps: 25, guidance: 3.5, seed: 1, input_image_0: {} }],
  [KLEIN, { prompt: "a", width: 1024, seed: 1 }],
  ["@cf/leonardo/lucid-origin", { prompt: "a", width: 2500, steps: 40, guidance: 0 }],
  ["@cf/leonardo/phoenix-1.0", { prompt: "a", num_steps: 50, negative_prompt: "b" }],
  ["@cf/stabilityai/stable-diffusion-xl-base-1.0", { prompt: "a", image: [1, 2], num_steps: 20 }],
  [LLAMA, { prompt: "a" }],
  [LLAMA, { messages: [{ role: "user", content: "a" }], max_tokens: 5 }],
  [LLAMA, { messages: [{ role: "user", content: [{ type: "text", text: "a" }] }] }],
];

const REFUSED = [
  [SCHNELL, {}, "required properties at '/' are 'prompt'"],
  [SCHNELL, { prompt: "" }, "Length of '/prompt' must be >= 1 not met"],
  [SCHNELL, { prompt: "a".repeat(2049) }, "Length of '/prompt' must be <= 2048"],
  [SCHNELL, { prompt: "🎨".repeat(1025) }, "Length of '/prompt' must be <= 2048"], // it counts UTF-16 units
  [SCHNELL, { prompt: "a", steps: 9 }, "'/steps' must be <= 8"],
  [SCHNELL, { prompt: "a", steps: 4.5 }, "Type mismatch of '/steps', 'integer' not in 'number'"],
  [SCHNELL, { prompt: "a", steps: "4" }, "Type mismatch of '/steps', 'integer' not in 'string'"],
  [
    SCHNELL,
    { prompt: "a", width: 1, height: 2 },
    "Additional or unevaluated properties '/width, /height' at '/' not allowed",
  ],
  [SCHNELL, { prompt: "a", seed: 1 }, "Additional or unevaluated properties '/seed' at '/' not allowed"],
  [DEV, { width: 512 }, "required properties at '/' are 'prompt'"],
  [DEV, { prompt: "a", width: 255 }, "'/width' must be >= 256"],
  [DEV, { prompt: "a", input_image_4: {} }, "Additional or unevaluated properties '/input_image_4' at '/' not allowed"],
  [KLEIN, { prompt: "a", steps: 4 }, "Additional or unevaluated properties '/steps' at '/' not allowed"],
  ["@cf/leonardo/phoenix-1.0", { prompt: "a", guidance: 1 }, "'/guidance' must be >= 2"],
  ["@cf/lykon/dreamshaper-8-lcm", { prompt: "a", num_steps: 21 }, "'/num_steps' must be <= 20"],
];

const KONTEXT = "black-forest-labs/flux-1-kontext-pro";
const GPT = "openai/gpt-image-2";
ACCEPTED.push(
  [KONTEXT, { prompt: "a", seed: null, input_image: "AAAA" }],
  [GPT, { prompt: "a", images: Array(16).fill("AAAA"), size: "auto" }],
  ["xai/grok-imagine-image", { prompt: "a", image: { url: "a" } }],
  ["bria/fibo-edit-1.5", { images: ["AAAA"], instruction: "a" }],
);
REFUSED.push(
  [KONTEXT, { seed: 1 }, `'/' is not as required says: ["prompt"]`],
  [KONTEXT, { prompt: "a", seed: "1" }, /^5006: Error: '\/seed\/' is not as anyOf says/],
  [KONTEXT, { prompt: "a", width: 1 }, "Additional properties '/width' not allowed"],
  [GPT, { prompt: "a", seed: 1 }, "Additional properties '/seed' not allowed"], // its schema allows any property
  [GPT, { prompt: "a", images: Array(17).fill("AAAA") }, "'/images/' is not as maxItems says: 16"],
  [GPT, { prompt: "a", quality: "max" }, `'/quality/' is not as enum says: ["low","medium","high","auto"]`],
  ["xai/grok-imagine-image", { prompt: "a", image: {} }, `'/image/' is not as required says: ["url"]`],
  ["alibaba/wan-2.6-image", { prompt: "a", size: "1K" }, /is not as pattern says/],
  ["bria/fibo-edit-1.5", { images: [], instruction: "a" }, "'/images/' is not as minItems says: 1"],
);

for (const [name, inputs] of ACCEPTED) {
  test(`${name} accepts ${JSON.stringify(inputs).slice(0, 60)}`, () => check(findModel(name), inputs));
}

for (const [name, inputs, sentence] of REFUSED) {
  test(`${name} refuses ${JSON.stringify(inputs).slice(0, 60)}`, () => {
    assert.throws(() => check(findModel(name), inputs), {
      code: 5006,
      message: typeof sentence === "string" ? `5006: Error: ${sentence}` : sentence,
    });
  });
}

test("A text model wants a prompt or messages, and says both", () => {
  assert.throws(() => check(findModel(LLAMA), {}), {
    message:
      "5006: Error: oneOf at '/' not met, 0 matches: required properties at '/' are 'prompt', " +
      "required properties at '/' are 'messages'",
  });
});

test("An unknown model is a 5007", () => {
  assert.throws(() => findModel("@cf/no/such"), { code: 5007, message: "5007: No such model @cf/no/such or task" });
});

test("Each model answers as its schema says", () => {
  const outputs = [SCHNELL, KLEIN, "@cf/leonardo/phoenix-1.0", "@cf/lykon/dreamshaper-8-lcm"].map((name) => {
    const { output, multipart, width, height } = findModel(name);
    return [output, multipart, width, height];
  });
  assert.deepEqual(outputs, [
    ["json", false, 1024, 1024],
    ["json", true, 1024, 768],
    ["image/jpeg", false, 1024, 1024],
    ["image/png", false, 1024, 1024],
  ]);
});
