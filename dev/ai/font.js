/**
 * A 5x7 bitmap font for printable ASCII (U+0020 to U+007E), drawn for this project.
 *
 * A glyph is seven characters, one for each row from the top. Each is a base-32 digit whose five bits are the row's
 * pixels, with the highest bit on the left: "E" = 14 = .###.
 */
const GLYPHS =
  "0000000 4444404 AA00000 AAVAVAA 4FKE5U4 OP248J3 CIK8LID 4400000 2488842 8422248 04LEL40 044V440 0000448 000V000 " +
  "00000CC 01248G0 EHJLPHE 4C4444E EH1248V V2421HE 26AIV22 VGU11HE 68GUHHE V124888 EHHEHHE EHHF12C 0CC0CC0 0CC0C48 " +
  "248G842 00V0V00 8421248 EH12404 EH1DLLE EHHHVHH UHHUHHU EHGGGHE SIHHHIS VGGUGGV VGGUGGG EHGNHHF HHHVHHH E44444E " +
  "72222IC HIKOKIH GGGGGGV HRLLHHH HHPLJHH EHHHHHE UHHUGGG EHHHLID UHHUKIH FGGE11U V444444 HHHHHHE HHHHHA4 HHHLLLA " +
  "HHA4AHH HHHA444 V1248GV E88888E 0G84210 E22222E 4AH0000 000000V 8420000 00E1FHF GGMPHHU 00EGGHE 11DJHHF 00EHVGE " +
  "698S888 0FHHF1E GGMPHHH 40C444E 20622IC GGIKOKI C44444E 00QLLHH 00MPHHH 00EHHHE 00UHUGG 00DJF11 00MPGGG 00EGE1U " +
  "88S8896 00HHHJD 00HHHA4 00HHLLA 00HA4AH 00HHF1E 00V248V 2448442 4444444 8442448 008L200";

export const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 7;

const FIRST = 0x20;
const ROWS = GLYPHS.split(" ").map((glyph) => Array.from(glyph, (digit) => Number.parseInt(digit, 32)));

/** The rows of one character, five bits each. A character that is not in the font becomes a question mark. */
export function glyph(character) {
  return ROWS[character.codePointAt(0) - FIRST] ?? glyph("?");
}

/**
 * Text as this font can draw it: one line, without accents, and other characters outside ASCII as hexadecimal code
 * points, so that a prompt in any language is recognisable ("cafe 732B").
 */
export function drawable(text) {
  return Array.from(text.normalize("NFKD").replace(/\p{M}/gu, ""), (character) => {
    if (/\s|\p{C}/u.test(character)) return " ";
    return character < "\x7f" ? character : ` ${character.codePointAt(0).toString(16).toUpperCase()} `;
  })
    .join("")
    .replace(/ +/g, " ")
    .trim();
}
