// Which code points a WOFF2 file has glyphs for (W3C, WOFF File Format 2.0; OpenType, table cmap).
import { brotliDecompressSync } from "node:zlib";

const HEADER = 48; // bytes before the table directory
const CMAP = 0; // of the known tags, by their number in the directory
const [GLYF, LOCA] = [10, 11]; // a transformation is their default; of any other table it is the exception
const OTHER_TAG = 63;

/** The code points of the font in `file`, sorted. Throws an Error for what is no WOFF2 file with a Unicode cmap. */
export function codePoints(file) {
  if (file.toString("latin1", 0, 4) !== "wOF2") throw new Error("not a WOFF2 file");
  const { start, offset } = directory(file);
  const tables = brotliDecompressSync(file.subarray(start, start + file.readUInt32BE(20)));
  return [...points(tables.subarray(offset))].sort((left, right) => left - right);
}

/** Where the compressed tables begin in the file, and where the cmap table begins in them. */
function directory(file) {
  let at = HEADER;
  let offset = 0;
  let cmap = -1;
  const length = () => {
    let value = 0;
    for (;;) {
      const byte = file[at++];
      value = value * 128 + (byte & 0x7f);
      if (!(byte & 0x80)) return value;
    }
  };
  for (let left = file.readUInt16BE(12); left > 0; left--) {
    const flags = file[at++];
    const tag = flags & 0x3f;
    if (tag === OTHER_TAG) at += 4;
    const version = flags >> 6;
    const transformed = tag === GLYF || tag === LOCA ? version !== 3 : version !== 0;
    const original = length();
    if (tag === CMAP) cmap = offset;
    offset += transformed ? length() : original;
  }
  if (cmap < 0) throw new Error("it has no cmap table");
  return { start: at, offset: cmap };
}

function points(cmap) {
  const found = new Set();
  for (let record = 4; record < 4 + 8 * cmap.readUInt16BE(2); record += 8) {
    const table = cmap.subarray(cmap.readUInt32BE(record + 4));
    const format = table.readUInt16BE(0);
    if (format === 4) segments(table, found);
    if (format === 12) groups(table, found);
  }
  if (!found.size) throw new Error("its cmap table has neither format 4 nor 12");
  return found;
}

/** Format 4: segments with a difference, or with an array of glyphs. */
function segments(table, found) {
  const bytes = table.readUInt16BE(6);
  for (let at = 0; at < bytes; at += 2) {
    const last = table.readUInt16BE(14 + at);
    const first = table.readUInt16BE(16 + bytes + at);
    const difference = table.readUInt16BE(16 + 2 * bytes + at);
    const place = 16 + 3 * bytes + at;
    const toGlyphs = table.readUInt16BE(place);
    for (let point = first; point <= last && point !== 0xffff; point++) {
      const listed = toGlyphs ? table.readUInt16BE(place + toGlyphs + 2 * (point - first)) : point;
      if (listed && (listed + difference) & 0xffff) found.add(point);
    }
  }
}

/** Format 12: groups of code points with glyphs in a row. */
function groups(table, found) {
  for (let at = 16, end = 16 + 12 * table.readUInt32BE(12); at < end; at += 12) {
    const last = table.readUInt32BE(at + 4);
    for (let point = table.readUInt32BE(at); point <= last; point++) found.add(point);
  }
}
