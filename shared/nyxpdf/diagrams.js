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

function prepare(fonts, family, now) {
  instant = now;
  document.head.appendChild(document.createElement("style")).textContent = fonts;
  mermaid.initialize({
    startOnLoad: false, securityLevel: "strict", secure: SECURE, maxTextSize: LONGEST, suppressErrorRendering: true,
    look: "classic", theme: "neutral", htmlLabels: false, flowchart: { htmlLabels: false },
    deterministicIds: true, deterministicIDSeed: "nyx",
    fontFamily: family, themeVariables: { fontFamily: family },
    // these have families of their own, which nobody has
    sequence: { actorFontFamily: family, noteFontFamily: family, messageFontFamily: family },
    gantt: { fontFamily: family }, journey: { taskFontFamily: family },
  });
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
