/** Input pictures: their type and size, read from their bytes, and whether the model takes them. */
import { Fault } from "./faults.js";

const SIDE_BELOW = 512; // "All input images must be smaller than 512x512": the FLUX.2 changelogs
const SOF = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]); // T.81, Table B.1
const SOS = 0xda;
const NO_MARKER = new Set([0x00, 0xff]);

/**
 * @param {Uint8Array} bytes
 * @returns {{type: string, width: number, height: number} | null} null unless it is a PNG, JPEG or WebP
 */
export function identify(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return png(view) ?? jpeg(view) ?? webp(view);
  } catch (error) {
    if (error instanceof RangeError) return null; // it ends before its size
    throw error;
  }
}

/**
 * The pictures in a FLUX.2 form, ordered by number.
 *
 * @param {Iterable<[string, File | string]>} fields
 * @throws {Fault} 5006
 */
export async function picturesIn(fields) {
  const pictures = [];
  for (const [name, value] of fields) {
    if (typeof value === "string") {
      throw new Fault(5006, `Error: Type mismatch of '/${name}', 'binary' not in 'string'`);
    }
    const bytes = new Uint8Array(await value.arrayBuffer());
    const picture = identify(bytes);
    if (!picture) throw new Fault(5006, `Error: '/${name}' is not a PNG, JPEG or WebP image`);
    if (picture.width >= SIDE_BELOW || picture.height >= SIDE_BELOW) {
      const size = `${picture.width}x${picture.height}`;
      throw new Fault(5006, `Error: '/${name}' must be smaller than ${SIDE_BELOW}x${SIDE_BELOW}, is ${size}`);
    }
    pictures.push({ name, ...picture, bytes: bytes.length });
  }
  return pictures.sort((a, b) => a.name.localeCompare(b.name));
}

function png(view) {
  if (view.getUint32(0) !== 0x89504e47 || view.getUint32(12) !== 0x49484452) return null;
  return { type: "image/png", width: view.getUint32(16), height: view.getUint32(20) };
}

function jpeg(view) {
  if (view.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    // Decoders skip fill bytes (T.81, B.1.1.2) and stray bytes between segments.
    while (view.getUint8(at) !== 0xff || NO_MARKER.has(view.getUint8(at + 1))) at += 1;
    const marker = view.getUint8(at + 1);
    if (SOF.has(marker)) {
      return { type: "image/jpeg", width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    }
    if (marker === SOS) return null;
  }
}

/** RFC 9649: the first chunk is one of three kinds. */
function webp(view) {
  if (view.getUint32(0) !== 0x52494646 || view.getUint32(8) !== 0x57454250) return null;
  const size = {
    [0x56503820]: () => [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff], // "VP8 "
    [0x5650384c]: () => [(view.getUint32(21, true) & 0x3fff) + 1, ((view.getUint32(21, true) >> 14) & 0x3fff) + 1],
    [0x56503858]: () => [uint24(view, 24) + 1, uint24(view, 27) + 1], // "VP8X"
  }[view.getUint32(12)];
  if (!size) return null;
  const [width, height] = size();
  return { type: "image/webp", width, height };
}

function uint24(view, at) {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}
