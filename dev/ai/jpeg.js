/**
 * A baseline JPEG of flat 8x8 blocks: ITU-T T.81 with DC coefficients only, in YCbCr without subsampling.
 *
 * A block of one colour has no AC coefficients, so there is no transform to compute, and every block takes a few bits.
 * 1024x1024 pixels take one or two milliseconds, and any decoder can read them.
 */

import { concatenate } from "./bytes.js";

const SEGMENT_MAX = 0xffff - 2; // bytes in one marker segment, without its own length
const MARKER = { SOI: 0xd8, APP0: 0xe0, COM: 0xfe, DQT: 0xdb, SOF0: 0xc0, DHT: 0xc4, SOS: 0xda, EOI: 0xd9 };

const JFIF = [0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]; // version 1.1, square pixels, no thumbnail
// The DC coefficient of a flat block is 8 * (sample - 128); quantised by 8 it is the sample itself, without loss.
const QUANTISATION = [0, 8, ...Array(63).fill(1)];

// T.81, Table K.3: how many DC codes there are of each length from 1 to 16. The categories follow in order, 0 to 11.
const DC_CODES_OF_LENGTH = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_TABLE = [0x00, ...DC_CODES_OF_LENGTH, ...Array(12).keys()];
// One AC code, "0": the end of the block.
const AC_TABLE = [0x10, 1, ...Array(15).fill(0), 0x00];

const COMPONENTS = [1, 2, 3]; // Y, Cb, Cr
const [CODES, LENGTHS] = codesOfDifferences();

/**
 * @param {{columns: number, rows: number, rgb: Uint8Array}} cells
 * @param {object} options
 * @param {number} options.width pixels, at most as many as the cells cover
 * @param {number} options.height pixels
 * @param {string} options.comment text for the last COM segment, which Pillow shows
 * @param {number} [options.size] bytes: the file is padded to exactly this size with COM segments before that one
 * @returns {Uint8Array}
 */
export function jpeg(cells, { width, height, comment, size = 0 }) {
  const text = new TextEncoder().encode(comment).subarray(0, SEGMENT_MAX);
  const frame = [8, ...uint16(height), ...uint16(width), 3, ...COMPONENTS.flatMap((id) => [id, 0x11, 0])];
  const scan = [3, ...COMPONENTS.flatMap((id) => [id, 0x00]), 0, 63, 0];
  const before = [Uint8Array.of(0xff, MARKER.SOI), segment(MARKER.APP0, JFIF)];
  const after = [
    segment(MARKER.COM, text),
    segment(MARKER.DQT, QUANTISATION),
    segment(MARKER.SOF0, frame),
    segment(MARKER.DHT, DC_TABLE),
    segment(MARKER.DHT, AC_TABLE),
    segment(MARKER.SOS, scan),
    entropyCoded(cells),
    Uint8Array.of(0xff, MARKER.EOI),
  ];
  const missing = size - [...before, ...after].reduce((total, part) => total + part.length, 0);
  return concatenate([...before, ...padding(missing), ...after]);
}

/** COM segments with `missing` bytes in total. The smallest has 4, so up to 3 bytes may remain. */
function padding(missing) {
  const parts = [];
  for (let left = missing; left >= 4; ) {
    const rest = left - (SEGMENT_MAX + 4);
    const length = rest <= 0 ? left : rest < 4 ? SEGMENT_MAX : SEGMENT_MAX + 4;
    parts.push(segment(MARKER.COM, filler(length - 4)));
    left -= length;
  }
  return parts;
}

/** Words that occur nowhere else: tests look for them where no picture may be. */
function filler(length) {
  const words = new TextEncoder().encode("A byte of a picture.    ");
  return Uint8Array.from({ length }, (_, index) => words[index % words.length]);
}

function segment(marker, payload) {
  const bytes = new Uint8Array(4 + payload.length);
  bytes.set([0xff, marker, ...uint16(payload.length + 2)]);
  bytes.set(payload, 4);
  return bytes;
}

function uint16(number) {
  return [number >> 8, number & 0xff];
}

/** The bits of a block, including its end, for each difference of two neighbouring DC values from -255 to 255. */
function codesOfDifferences() {
  const huffman = [];
  let code = 0;
  DC_CODES_OF_LENGTH.forEach((count, index) => {
    for (let i = 0; i < count; i++) huffman.push({ code: code++, length: index + 1 });
    code <<= 1; // T.81, Annex C
  });
  const codes = new Uint16Array(511);
  const lengths = new Uint8Array(511);
  for (let difference = -255; difference <= 255; difference++) {
    const category = 32 - Math.clz32(Math.abs(difference));
    const magnitude = difference >= 0 ? difference : difference + (1 << category) - 1; // T.81, F.1.2.1
    const { code: prefix, length } = huffman[category];
    codes[difference + 255] = ((prefix << category) | magnitude) << 1;
    lengths[difference + 255] = length + category + 1;
  }
  return [codes, lengths];
}

function entropyCoded({ rgb }) {
  const out = new Uint8Array(rgb.length * 4 + 8); // at most 15 bits per block, and each byte may be stuffed
  let at = 0;
  let bits = 0;
  let held = 0;
  let lastY = 0;
  let lastCb = 0;
  let lastCr = 0;

  function write(difference) {
    bits = (bits << LENGTHS[difference + 255]) | CODES[difference + 255];
    held += LENGTHS[difference + 255];
    while (held >= 8) {
      held -= 8;
      const byte = (bits >> held) & 0xff;
      out[at++] = byte;
      if (byte === 0xff) out[at++] = 0; // a stuffed zero: not a marker
    }
    bits &= (1 << held) - 1;
  }

  for (let i = 0; i < rgb.length; i += 3) {
    const red = rgb[i];
    const green = rgb[i + 1];
    const blue = rgb[i + 2];
    // JFIF 1.02, minus 128 in all three
    const y = clamp(0.299 * red + 0.587 * green + 0.114 * blue - 128);
    const cb = clamp(-0.168736 * red - 0.331264 * green + 0.5 * blue);
    const cr = clamp(0.5 * red - 0.418688 * green - 0.081312 * blue);
    write(y - lastY);
    write(cb - lastCb);
    write(cr - lastCr);
    lastY = y;
    lastCb = cb;
    lastCr = cr;
  }
  if (held > 0) {
    const byte = ((bits << (8 - held)) | ((1 << (8 - held)) - 1)) & 0xff; // filled up with ones
    out[at++] = byte;
    if (byte === 0xff) out[at++] = 0;
  }
  return out.subarray(0, at);
}

function clamp(value) {
  return Math.max(-128, Math.min(127, Math.round(value)));
}
