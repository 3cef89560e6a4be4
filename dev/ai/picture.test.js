import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";

import sharp from "sharp";

import { drawable } from "./font.js";
import { identify } from "./pictures-in.js";
import { picture } from "./picture.js";

const FACTS = { call: 7, model: "@cf/black-forest-labs/flux-1-schnell", prompt: "A cat", pictures_in: 0 };

/** The emblem read back from the middle of a decoded picture, as the bits of eight bytes in hexadecimal. */
async function emblemOf(bytes, scale = 1) {
  const { data, info } = await sharp(bytes).greyscale().raw().toBuffer({ resolveWithObject: true });
  let bits = "";
  for (let row = 0; row < 8; row++) {
    for (let column = 0; column < 8; column++) {
      const x = Math.round(info.width / 2 + (column - 3.5) * 16 * scale);
      const y = Math.round(info.height / 2 + (row - 3.5) * 16 * scale);
      bits += data[(y * info.width + x) * info.channels] > 127 ? "1" : "0";
    }
  }
  return BigInt(`0b${bits}`).toString(16).padStart(16, "0");
}

function digestOf(prompt) {
  return createHash("sha256").update(prompt).digest("hex").slice(0, 16);
}

test("A JPEG with fill bytes and stray ones between its segments is one, as decoders read it", async () => {
  const { bytes } = await picture("image/jpeg", { width: 64, height: 48 }, FACTS);
  const behindApp0 = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint16(4);
  for (const [at, more] of [[2, [0xff, 0xff]], [behindApp0, [0, 0x12, 0xff, 0x00]]]) {
    const tolerated = Uint8Array.from([...bytes.subarray(0, at), ...more, ...bytes.subarray(at)]);
    assert.deepEqual(identify(tolerated), { type: "image/jpeg", width: 64, height: 48 });
    assert.equal((await sharp(tolerated, { failOn: "error" }).metadata()).width, 64);
  }
});

for (const type of ["image/jpeg", "image/png"]) {
  for (const [width, height] of [[1024, 1024], [777, 333], [256, 256], [1, 1], [2500, 17]]) {
    test(`A ${type} of ${width}x${height} decodes to exactly that size`, async () => {
      const { bytes } = await picture(type, { width, height }, FACTS);
      const { info } = await sharp(bytes, { failOn: "warning" }).raw().toBuffer({ resolveWithObject: true });
      assert.deepEqual([info.width, info.height], [width, height]);
      assert.deepEqual(identify(bytes), { type, width, height });
    });
  }

  test(`A ${type} says in its comment what was asked for, in any language`, async () => {
    const facts = { ...FACTS, prompt: 'ein "Kätzchen" 猫 🎨\n[[delay 1s]]', seed: 5 };
    const { bytes } = await picture(type, { width: 64, height: 64 }, facts);
    const text = Buffer.from(bytes).toString("utf8");
    const comment = JSON.parse(text.slice(text.indexOf("{"), text.indexOf("}") + 1));
    assert.deepEqual(comment, { by: "workers-ai-stand-in", ...facts, width: 64, height: 64, nonce: comment.nonce });
  });

  for (const size of [30_000, 65_537 + 30_000, 200_001, 5_000_000]) {
    test(`A ${type} is padded to exactly ${size} bytes and still decodes`, async () => {
      const { bytes } = await picture(type, { width: 512, height: 512, size }, FACTS);
      assert.equal(bytes.length, size);
      await sharp(bytes, { failOn: "warning" }).raw().toBuffer();
    });
  }

  test(`Two ${type}s of one prompt differ`, async () => {
    const [one, other] = await Promise.all([0, 1].map(() => picture(type, { width: 128, height: 128 }, FACTS)));
    assert.notDeepEqual(one.bytes, other.bytes);
  });
}

test("A picture shows whose prompt it is, also after a cut to another ratio and another encoding", async () => {
  for (const prompt of ["A cat", "A dog", "一只猫"]) {
    const { bytes } = await picture("image/jpeg", { width: 1024, height: 1024 }, { ...FACTS, prompt });
    assert.equal(await emblemOf(bytes), digestOf(prompt));
    for (const [width, height] of [[768, 512], [512, 1024], [1024, 439]]) {
      const cut = await sharp(bytes).resize({ width, height, fit: "cover" }).webp({ quality: 60 }).toBuffer();
      assert.equal(await emblemOf(cut, Math.max(width, height) / 1024), digestOf(prompt));
    }
  }
});

test("A prompt of any characters and length is drawn", async () => {
  const long = ["あ", "word ", "x"].map((text) => text.repeat(2000));
  for (const prompt of ["", " ", "\u0000\ud800", "[[x]]", "👩‍👩‍👧", ...long]) {
    await picture("image/jpeg", { width: 320, height: 320 }, { ...FACTS, prompt });
  }
});

test("What the font cannot draw becomes code points", () => {
  assert.equal(drawable("Café\n猫 ok"), "Cafe 732B ok");
});
