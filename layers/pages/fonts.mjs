// Copies the font files that pages are set in out of the npm packages into opt/fonts, with an index of which file
// holds which code points: `node layers/pages/fonts.mjs`, called by `make setup`. On Lambda they are /opt/fonts.
//
// The code points are read from each file's own cmap table. The tables that the packages bring are the ranges that
// a web page declares, and promise more than is there: arrows and box drawing are missing from every Latin piece.
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { codePoints } from "./woff2.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const PACKAGES = join(HERE, "../../node_modules");
const TARGET = join(HERE, "opt/fonts");
const INDEX = "index.json";

// Family -> folder in node_modules, which of its files, and which of those are bold or italic.
const FAMILIES = {
  inter: ["@fontsource/inter/files", /^inter-\D+-(400|600)-(normal|italic)\.woff2$/],
  "inter-symbols": ["inter-ui/web", /^Inter-(Regular|SemiBold)\.woff2$/],
  "jetbrains-mono": ["@fontsource/jetbrains-mono/files", /^jetbrains-mono-\D+-(400|700)-(normal|italic)\.woff2$/],
  "jetbrains-mono-symbols": ["jetbrains-mono/fonts/webfonts", /^JetBrainsMonoNL-(Regular|Bold)\.woff2$/],
  "noto-sans-arabic": ["@fontsource/noto-sans-arabic/files", /^noto-sans-arabic-arabic-(400|700)-normal\.woff2$/],
  "noto-sans-hebrew": ["@fontsource/noto-sans-hebrew/files", /^noto-sans-hebrew-hebrew-(400|700)-normal\.woff2$/],
  "noto-sans-devanagari": [
    "@fontsource/noto-sans-devanagari/files",
    /^noto-sans-devanagari-devanagari-(400|700)-normal\.woff2$/,
  ],
  "noto-sans-sc": ["@fontsource/noto-sans-sc/files", /^noto-sans-sc-\d+-(400|700)-normal\.woff2$/],
  "noto-sans-jp": ["@fontsource/noto-sans-jp/files", /^noto-sans-jp-\d+-(400|700)-normal\.woff2$/],
  "noto-sans-kr": ["@fontsource/noto-sans-kr/files", /^noto-sans-kr-\d+-(400|700)-normal\.woff2$/],
  "noto-sans-symbols-2": [
    "@fontsource/noto-sans-symbols-2/files",
    /^noto-sans-symbols-2-(symbols|braille)-400-normal\.woff2$/,
  ],
  "noto-sans-math": ["@fontsource/noto-sans-math/files", /^noto-sans-math-latin-400-normal\.woff2$/],
  twemoji: ["twemoji-colr-font", /^twemoji\.woff2$/],
};

// What pages are printed by: not copied, but named in the index, since another release draws them otherwise.
const PRINTERS = { chromium: "@sparticuz/chromium", mermaid: "mermaid" };

const EMOJI = "twemoji";
// What is an emoji wherever it stands, such as a green tick, is in colour; no font's own private sign means anything.
const NOT_FOR_TEXT = /\p{Emoji_Presentation}|\p{Co}/u;

/** Sorted code points as text: "20-7E,A0,AD-FF". */
function ranges(points) {
  const found = [];
  for (const point of points) {
    const last = found.at(-1);
    if (last && last[1] + 1 === point) last[1] = point;
    else found.push([point, point]);
  }
  const hex = (number) => number.toString(16).toUpperCase();
  return found.map(([first, last]) => (first === last ? hex(first) : `${hex(first)}-${hex(last)}`)).join(",");
}

/** Plain Latin first: the other pieces of a family repeat a few of its letters. */
function byUse(left, right) {
  const rank = (name) => (name.includes("-latin-") && !name.includes("-ext-") ? 0 : 1);
  return rank(left) - rank(right) || left.localeCompare(right, "en", { numeric: true });
}

function held(family, path) {
  const points = codePoints(readFileSync(path));
  // the emoji face has empty digits, for keycaps that it then does not draw
  const isWanted = family === EMOJI ? (sign) => !/[\0-\x7f\u20e3]/.test(sign) : (sign) => !NOT_FOR_TEXT.test(sign);
  return points.filter((point) => isWanted(String.fromCodePoint(point)));
}

function copied(family, folder) {
  const [source, wanted] = FAMILIES[family];
  const names = readdirSync(join(PACKAGES, source)).filter((name) => wanted.test(name));
  if (!names.length) throw new Error(`${source} has no file like ${wanted}: has the package changed?`);
  return names.sort(byUse).map((name) => {
    const path = join(PACKAGES, source, name);
    cpSync(path, join(folder, name));
    return {
      file: name,
      bold: /-(600|700)-|SemiBold|Bold/.test(name),
      italic: /italic/i.test(name),
      holds: ranges(held(family, path)),
    };
  });
}

const version = (name) => JSON.parse(readFileSync(join(PACKAGES, name, "package.json"), "utf8")).version;

const printers = () =>
  Object.fromEntries(Object.entries(PRINTERS).map(([printer, name]) => [printer, version(name)]));

/** What the folder is made from: the versions of the packages, and these two programs. */
function origin() {
  const packages = new Set(Object.values(FAMILIES).map(([folder]) => folder.match(/^(@[^/]+\/)?[^/]+/)[0]));
  const versions = [...packages, ...Object.values(PRINTERS)].map((name) => `${name} ${version(name)}`);
  const programs = ["fonts.mjs", "woff2.mjs"].map((name) => readFileSync(join(HERE, name), "utf8"));
  return createHash("sha256").update([...versions, ...programs].join("\n")).digest("hex");
}

function isThere(from) {
  try {
    return JSON.parse(readFileSync(join(TARGET, INDEX), "utf8")).origin === from;
  } catch (error) {
    if (error.code === "ENOENT") return false;
    throw error;
  }
}

/** Make the folder under another name and then rename it: whoever looks sees all or nothing. */
function make(from) {
  mkdirSync(dirname(TARGET), { recursive: true });
  const unfinished = mkdtempSync(join(dirname(TARGET), ".copying-"));
  try {
    const families = {};
    for (const family of Object.keys(FAMILIES)) families[family] = copied(family, unfinished);
    writeFileSync(join(unfinished, INDEX), JSON.stringify({ origin: from, printers: printers(), families }) + "\n");
    chmodSync(unfinished, 0o755);
    rmSync(TARGET, { recursive: true, force: true });
    renameSync(unfinished, TARGET);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

try {
  const from = origin();
  if (!isThere(from)) make(from);
} catch (error) {
  console.error(`fonts: ${error.message}; \`npm ci --ignore-scripts\`, or \`make setup\`, brings the packages`);
  process.exit(1);
}
