// What the page of diagrams can do; diagrams.py calls `prepare` once and `draw` for each diagram.

// The same source gives the same picture, whenever and wherever it is drawn.
let instant = 0;
let seed = 1;
const Clock = Date;
globalThis.Date = class extends Clock {
  constructor(...given) {
    if (given.length) super(...given);
    else super(instant);
  }
  static now() {
    return instant;
  }
};
Math.random = () => {
  seed = (seed * 48271) % 2147483647; // Park and Miller's minimal standard generator
  return seed / 2147483647;
};

// The keys that a diagram's own directives may not set; mermaid's own come first.
const SECURE = [
  "secure", "securityLevel", "startOnLoad", "maxTextSize", "suppressErrorRendering", "maxEdges",
  "htmlLabels", "look", "fontFamily", "altFontFamily", "themeCSS", "deterministicIds", "deterministicIDSeed",
];

const LONGEST = 50_000;

// The page's colours (nyxcore/pages/page.css). What stands side by side differs in tone, so that it can be told in grey.
const INK = "#1b1e2b", SOFT = "#565c70", FAINT = "#878da1", LINE = "#dcdfe8", WASH = "#f4f5f9", DEEP = "#2f3e5c";
const SLICES = ["#9aa2e0", "#dcdfe8", "#b3c4d6", "#f3d9a4", "#c9cbd8", "#eceefa", "#f3cdb9", "#d5ecdf"]; // ink is read on each
const COLOURS = {
  darkMode: false, background: "#ffffff", textColor: INK, titleColor: INK, lineColor: SOFT,
  primaryColor: "#eceefa", primaryTextColor: INK, primaryBorderColor: "#5d6bd0",
  secondaryColor: WASH, secondaryTextColor: INK, secondaryBorderColor: FAINT,
  tertiaryColor: "#ffffff", tertiaryTextColor: INK, tertiaryBorderColor: FAINT,
  clusterBkg: WASH, clusterBorder: LINE, edgeLabelBackground: "#ffffff",
  noteBkgColor: WASH, noteTextColor: INK, noteBorderColor: FAINT,
  sectionBkgColor: WASH, sectionBkgColor2: WASH, altSectionBkgColor: "#ffffff", gridColor: LINE,
  taskBkgColor: DEEP, taskBorderColor: DEEP, taskTextColor: "#ffffff", taskTextLightColor: "#ffffff",
  taskTextDarkColor: INK, taskTextOutsideColor: INK,
  ...Object.fromEntries(SLICES.map((tone, index) => [`pie${index + 1}`, tone])),
  pieStrokeColor: "#ffffff", pieOuterStrokeColor: LINE, pieOpacity: "1",
  xyChart: { plotColorPalette: [DEEP, "#aeb4dc", "#5d6bd0", "#c5cbd6", "#47607a", "#e5b850"].join(",") },
};

// The first drawing compiles most of mermaid, which no diagram should have to do within its own time.
async function prepare(fonts, family, now) {
  instant = now;
  document.head.appendChild(document.createElement("style")).textContent = fonts;
  mermaid.initialize({
    startOnLoad: false, securityLevel: "strict", secure: SECURE, maxTextSize: LONGEST, suppressErrorRendering: true,
    look: "classic", layout: "dagre", theme: "base", themeCSS: `.grid .tick line { stroke: ${LINE} }`, // else a chart's grid is as dark as its text
    htmlLabels: false, flowchart: { htmlLabels: false },
    deterministicIds: true, deterministicIDSeed: "nyx",
    fontFamily: family, themeVariables: { ...COLOURS, fontFamily: family },
    // these have families of their own, which nobody has
    sequence: { actorFontFamily: family, noteFontFamily: family, messageFontFamily: family },
    gantt: { fontFamily: family }, journey: { taskFontFamily: family },
  });
  await draw("graph TD\n a --> b", family);
}

// The diagram as an XML document, the text in it, and whether some of it is bold. Text is measured, so its fonts are
// there first. Rejects what mermaid cannot parse.
async function draw(source, family) {
  if (source.length > LONGEST) throw new Error("too long"); // mermaid would draw a picture that says so
  seed = 1;
  try {
    await Promise.all(["400", "700"].map((weight) => document.fonts.load(`${weight} 16px ${family}`, source)));
    const { svg } = await mermaid.render("diagram", source);
    document.body.innerHTML = svg;
    const root = document.querySelector("svg");
    const texts = [...root.querySelectorAll("text, tspan, foreignObject *")];
    const bold = texts.some((each) => getComputedStyle(each).fontWeight > 500);
    const { width, height } = root.viewBox.baseVal;
    root.removeAttribute("style"); // a maximal width, which an image takes from its place
    root.setAttribute("width", width);
    root.setAttribute("height", height);
    const xml = new XMLSerializer().serializeToString(root);
    if (new DOMParser().parseFromString(xml, "image/svg+xml").querySelector("parsererror"))
      throw new Error("the picture is no XML");
    return { xml, text: texts.map((each) => each.textContent).join(""), bold };
  } finally {
    document.body.replaceChildren();
  }
}
