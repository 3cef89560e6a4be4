/** A PNG of flat 8x8 blocks: RFC 2083 (and the PNG specification's iTXt), compressed by the runtime. */
import { concatenate } from "./bytes.js";
import { CELL } from "./scene.js";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const TRUECOLOUR = 2;
const FILTER_NONE = 0;
const FILTER_UP = 2;
const CHUNK_OVERHEAD = 12; // length, type and checksum

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * @param {{columns: number, rows: number, rgb: Uint8Array}} cells
 * @param {object} options
 * @param {number} options.width pixels, at most as many as the cells cover
 * @param {number} options.height pixels
 * @param {string} options.comment text for an iTXt chunk with the keyword "Comment"
 * @param {number} [options.size] bytes: the file is padded to exactly this size with a private chunk
 * @returns {Promise<Uint8Array>}
 */
export async function png(cells, { width, height, comment, size = 0 }) {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, TRUECOLOUR, 0, 0, 0], 8);
  const parts = [
    SIGNATURE,
    chunk("IHDR", header),
    chunk("iTXt", new TextEncoder().encode(`Comment\0\0\0\0\0${comment}`)),
    chunk("IDAT", await deflated(scanlines(cells, width, height))),
  ];
  const end = chunk("IEND", new Uint8Array(0));
  const missing = size - parts.reduce((total, part) => total + part.length, end.length);
  if (missing >= CHUNK_OVERHEAD) parts.push(chunk("paDd", new Uint8Array(missing - CHUNK_OVERHEAD)));
  return concatenate([...parts, end]);
}

/** The pixel rows. Seven of eight repeat the one above, so they are zeros with the filter "Up". */
function scanlines({ columns, rgb }, width, height) {
  const stride = 1 + width * 3;
  const lines = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const at = y * stride;
    if (y % CELL !== 0) {
      lines[at] = FILTER_UP;
      continue;
    }
    lines[at] = FILTER_NONE;
    const from = Math.floor(y / CELL) * columns;
    for (let x = 0; x < width; x++) {
      const cell = (from + Math.floor(x / CELL)) * 3;
      const pixel = at + 1 + x * 3;
      lines[pixel] = rgb[cell];
      lines[pixel + 1] = rgb[cell + 1];
      lines[pixel + 2] = rgb[cell + 2];
    }
  }
  return lines;
}

/** Compress to zlib's format, which IDAT requires. */
async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(type, payload) {
  const bytes = new Uint8Array(CHUNK_OVERHEAD + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(payload, 8);
  view.setUint32(8 + payload.length, checksum(bytes.subarray(4, 8 + payload.length)));
  return bytes;
}

function checksum(bytes) {
  let value = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) value = CRC[(value ^ bytes[i]) & 0xff] ^ (value >>> 8);
  return value ^ 0xffffffff;
}
