/**
 * The picture that the stand-in draws: a small landscape of flat cells with a text that says it is a stand-in, the
 * prompt, and an emblem from which a program can identify the prompt.
 *
 * A scene consists of cells of 8x8 pixels. Each is one block for the JPEG encoder, so a megapixel takes only a
 * millisecond or two.
 */
import { drawable, glyph, GLYPH_HEIGHT, GLYPH_WIDTH } from "./font.js";

/** Side of a cell in pixels. */
export const CELL = 8;

const EMBLEM = 8; // bits per side
const BIT = 2; // cells per side of one bit of the emblem
const ADVANCE = GLYPH_WIDTH + 1;
const LEADING = GLYPH_HEIGHT + 2;
const MARGIN = 3;

const WHITE = [255, 255, 255];
const INK = [18, 20, 30];

/**
 * @param {object} wanted
 * @param {number} wanted.width pixels
 * @param {number} wanted.height pixels
 * @param {Uint8Array} wanted.digest SHA-256 of the prompt: the colours and, in its first 8 bytes, the emblem
 * @param {number} wanted.nonce from 0 to 1: makes two pictures of one prompt differ
 * @param {string} wanted.title the line at the top
 * @param {string} wanted.text the prompt
 * @param {string} wanted.footer the line at the bottom
 * @returns {{columns: number, rows: number, rgb: Uint8Array}} the cells, row by row, three bytes each
 */
export function scene({ width, height, digest, nonce, title, text, footer }) {
  const canvas = new Canvas(Math.ceil(width / CELL), Math.ceil(height / CELL));
  landscape(canvas, digest, nonce);
  const top = Math.floor((canvas.rows - EMBLEM * BIT) / 2);
  emblem(canvas, digest, top);
  const perLine = Math.floor((canvas.columns - MARGIN) / ADVANCE);
  const lastLine = canvas.rows - MARGIN - GLYPH_HEIGHT;
  const lines = Math.floor((top - 2 * MARGIN) / LEADING) - 1; // the same number fits above the emblem and below it
  const room = top > LEADING + MARGIN;
  if (room) {
    line(canvas, MARGIN, cut(lines > 0 ? title : drawable(text), perLine));
    line(canvas, lastLine, cut(footer, perLine));
  }
  if (lines > 0) {
    const written = paragraph(drawable(text), perLine, lines);
    const above = Math.max(written.length - lines, 0);
    written.forEach((words, index) => {
      const first = index < above ? top - MARGIN - above * LEADING : top + EMBLEM * BIT + MARGIN - above * LEADING;
      line(canvas, first + index * LEADING, words);
    });
  }
  return canvas;
}

class Canvas {
  constructor(columns, rows) {
    this.columns = columns;
    this.rows = rows;
    this.rgb = new Uint8Array(columns * rows * 3);
  }

  set(x, y, [red, green, blue]) {
    if (x < 0 || y < 0 || x >= this.columns || y >= this.rows) return;
    const at = (y * this.columns + x) * 3;
    this.rgb[at] = red;
    this.rgb[at + 1] = green;
    this.rgb[at + 2] = blue;
  }

  fill(left, top, width, height, colour) {
    for (let y = top; y < top + height; y++) for (let x = left; x < left + width; x++) this.set(x, y, colour);
  }

  darken(left, top, width, height) {
    for (let y = Math.max(top, 0); y < Math.min(top + height, this.rows); y++) {
      const from = (y * this.columns + Math.max(left, 0)) * 3;
      const to = (y * this.columns + Math.min(left + width, this.columns)) * 3;
      for (let at = from; at < to; at++) this.rgb[at] *= 0.35;
    }
  }
}

function landscape(canvas, digest, nonce) {
  const hue = (digest[8] / 256) * 360;
  const hills = [0, 1, 2].map((nearness) => ({
    colour: hsl(hue + 40 * nearness + 160, 0.35, 0.42 - 0.11 * nearness),
    level: canvas.rows * (0.6 + 0.13 * nearness),
    swing: canvas.rows * (0.03 + (digest[9 + nearness] / 256) * 0.06),
    waves: (2 + (digest[12 + nearness] % 4) + nearness) / canvas.columns,
    phase: digest[15 + nearness] + nonce * 2 * Math.PI,
  }));
  const horizons = hills.map(({ level, swing, waves, phase }) =>
    Array.from({ length: canvas.columns }, (_, x) => level + swing * Math.sin(x * waves * 2 * Math.PI + phase)),
  );
  const sun = { x: canvas.columns * (0.15 + 0.7 * nonce), y: canvas.rows * 0.27, radius: canvas.columns * 0.09 };
  const sunshine = hsl(hue + 30, 0.9, 0.82);
  const colours = hills.map((hill) => hill.colour);
  for (let y = 0; y < canvas.rows; y++) {
    const sky = hsl(hue + (50 * y) / canvas.rows, 0.62, 0.38 + (0.36 * y) / canvas.rows);
    for (let x = 0; x < canvas.columns; x++) {
      const hill = horizons.findLastIndex((horizon) => y >= horizon[x]);
      const sunny = (x - sun.x) ** 2 + (y - sun.y) ** 2 < sun.radius ** 2;
      canvas.set(x, y, hill >= 0 ? colours[hill] : sunny ? sunshine : sky);
    }
  }
}

/**
 * The first 64 bits of the prompt's SHA-256 in the middle of the picture: 8x8 squares of 16 pixels, row by row, the
 * highest bit first, white for 1. Cropping to another ratio keeps the middle.
 */
function emblem(canvas, digest, top) {
  const left = Math.floor((canvas.columns - EMBLEM * BIT) / 2);
  canvas.fill(left - 1, top - 1, EMBLEM * BIT + 2, EMBLEM * BIT + 2, INK);
  for (let bit = 0; bit < EMBLEM * EMBLEM; bit++) {
    if (!((digest[bit >> 3] >> (7 - (bit & 7))) & 1)) continue;
    canvas.fill(left + (bit % EMBLEM) * BIT, top + Math.floor(bit / EMBLEM) * BIT, BIT, BIT, WHITE);
  }
}

/**
 * The text in as few columns as possible below the emblem, because cropping keeps what is near the middle. A long text
 * also uses the space above the emblem, and a longer one is cut off.
 */
function paragraph(text, perLine, lines) {
  const wrapped = [0.55, 0.75, 1].map((share) => wrap(text, Math.ceil(perLine * share)));
  const fitting = wrapped.find((candidate) => candidate.length <= lines) ?? wrapped.at(-1);
  const written = fitting.slice(0, 2 * lines);
  if (written.length < fitting.length) written.push(`${written.pop().slice(0, perLine - 3)}...`);
  return written;
}

function wrap(text, columns) {
  const lines = [];
  for (let rest = text; rest; ) {
    const space = rest.length > columns ? rest.lastIndexOf(" ", columns) : rest.length;
    const end = space > 0 ? space : columns;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return lines;
}

function cut(text, columns) {
  return text.slice(0, columns).trimEnd();
}

/** One centred line on a darker band. */
function line(canvas, top, text) {
  const width = text.length * ADVANCE - 1;
  const left = Math.floor((canvas.columns - width) / 2);
  canvas.darken(left - 2, top - 1, width + 4, GLYPH_HEIGHT + 2);
  Array.from(text).forEach((character, index) => {
    glyph(character).forEach((bits, row) => {
      for (let column = 0; column < GLYPH_WIDTH; column++) {
        if ((bits >> (GLYPH_WIDTH - 1 - column)) & 1) canvas.set(left + index * ADVANCE + column, top + row, WHITE);
      }
    });
  });
}

/** Hue in degrees, saturation and lightness from 0 to 1, to red, green and blue from 0 to 255 (CSS Color 4, 7.1). */
function hsl(hue, saturation, lightness) {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  return [0, 8, 4].map((offset) => {
    const k = (offset + (((hue % 360) + 360) % 360) / 30) % 12;
    return Math.round(255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  });
}
