// A small chart: axes, and marks whose numbers can change sixty times a second. SVG, so crisp on every screen.
//
//   import { makeChart } from "./chart.js";
//   const chart = makeChart(spec);            // see chart.py for what a chart is made of
//   page.append(chart.figure);
//   chart.set("posterior", { y: density });   // changes a mark by its name
//   chart.limits("y", 0, 2);                  // and an axis
//
// Numbers are plain or typed arrays. What is not finite leaves a gap.
import { element } from "./page.js";

const NAMESPACE = "http://www.w3.org/2000/svg", FAR = 1e4; // pixels: farther out nothing is drawn exactly

export function makeChart(spec) {
  const { width, height } = spec, axes = { x: { ...spec.x }, y: { ...spec.y } };
  // Names hold for the whole page, on which each explorer has its own copy of this module.
  const name = `vae-chart-${(window.vaeCharts = (window.vaeCharts ?? 0) + 1)}`;
  const edge = {
    left: 10 + (empty(axes.y) ? 0 : 8 * axes.y.room) + (axes.y.label ? 22 : 0), right: 12 + spec.right,
    top: 8, bottom: (empty(axes.x) ? 6 : 24) + (axes.x.label ? 20 : 0) + 16 * (spec.lines - 1),
  };
  const inner = { width: width - edge.left - edge.right, height: height - edge.top - edge.bottom };
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": spec.alt });
  const clip = svg("clipPath", { id: `${name}-clip` });
  clip.append(svg("rect", { x: edge.left, y: edge.top, width: inner.width, height: inner.height }));
  const defined = svg("defs"), frame = svg("g", { class: "vae-axes" });
  defined.append(clip);
  picture.append(defined, frame);

  const scale = (axis) => {
    const { low, high, log } = axes[axis], bend = log ? Math.log : (value) => value;
    const from = bend(low), span = bend(high) - from || 1;
    return axis === "x"
      ? (value) => edge.left + limited((bend(value) - from) / span * inner.width)
      : (value) => edge.top + inner.height - limited((bend(value) - from) / span * inner.height);
  };
  let place = { x: scale("x"), y: scale("y") };

  const marks = new Map();
  spec.marks.forEach((given, index) => {
    const kind = KINDS[given.type];
    if (!kind) throw new Error(`chart.js cannot draw a mark of type "${given.type}"`);
    const mark = { ...given, node: svg(kind.tag) };
    if (!kind.over) put(mark.node, { "clip-path": `url(#${name}-clip)` });
    picture.append(mark.node);
    if (mark.hatch) mark.fill = hatched(defined, `${name}-${index}`, mark.colour);
    marks.set(mark.name || String(index), mark);
  });
  const draw = (mark) => KINDS[mark.type].draw(mark, place, { ...edge, ...inner, axes });

  function drawAxes() {
    frame.replaceChildren();
    const bottom = edge.top + inner.height, line = (x1, y1, x2, y2, colour) =>
      frame.append(svg("line", { x1, y1, x2, y2, stroke: colour, "stroke-width": 1 }));
    for (const [value, text] of ticksOf(axes.x, inner.width / 80)) {
      const x = place.x(value);
      if (spec.grid.includes("x")) line(x, edge.top, x, bottom, "#e4e4e4");
      text.split("\n").forEach((part, row) =>
        frame.append(svg("text", { x, y: bottom + 18 + 16 * row, "text-anchor": "middle" }, part)));
    }
    for (const [value, text] of ticksOf(axes.y, inner.height / 45)) {
      const y = place.y(value);
      if (spec.grid.includes("y")) line(edge.left, y, edge.left + inner.width, y, "#e4e4e4");
      frame.append(svg("text", { x: edge.left - 6, y: y + 4.5, "text-anchor": "end" }, text));
    }
    line(edge.left, edge.top, edge.left, bottom, "#8a8a8a");
    line(edge.left, bottom, edge.left + inner.width, bottom, "#8a8a8a");
    const middle = { x: edge.left + inner.width / 2, y: edge.top + inner.height / 2 };
    if (axes.x.label)
      frame.append(svg("text", { class: "vae-label", x: middle.x, y: height - 6, "text-anchor": "middle" }, axes.x.label));
    if (axes.y.label)
      frame.append(svg("text", {
        class: "vae-label", x: 0, y: 0, "text-anchor": "middle", transform: `translate(14 ${middle.y}) rotate(-90)`,
      }, axes.y.label));
  }

  const heading = element("figcaption", {}, spec.title), labelled = [...marks.values()].filter((mark) => mark.label);
  const figure = element("figure", { class: "vae-chart" });
  if (spec.title) figure.append(heading);
  if (labelled.length) figure.append(element("div", { class: "vae-legend", "aria-hidden": "true" }, ...labelled.map(sample)));
  figure.append(picture);
  drawAxes();
  marks.forEach(draw);
  return {
    figure, picture,
    set(which, changes) {
      const mark = marks.get(which);
      if (!mark) throw new Error(`the chart has no mark "${which}"; it has ${[...marks.keys()].join(", ")}`);
      draw(Object.assign(mark, changes));
    },
    limits(axis, low, high, changes = {}) {
      const wanted = { low, high, ...changes };
      if (Object.entries(wanted).every(([key, given]) => axes[axis][key] === given)) return;
      Object.assign(axes[axis], wanted);
      place = { x: scale("x"), y: scale("y") };
      drawAxes();
      marks.forEach(draw);
    },
    describe: (text) => picture.setAttribute("aria-label", text),
    // Where a pointer is, in the units of the axes.
    at(event) {
      const box = picture.getBoundingClientRect(), zoom = width / box.width;
      const share = {
        x: ((event.clientX - box.left) * zoom - edge.left) / inner.width,
        y: 1 - ((event.clientY - box.top) * zoom - edge.top) / inner.height,
      };
      return ["x", "y"].map((axis) => axes[axis].low + share[axis] * (axes[axis].high - axes[axis].low));
    },
  };
}

// How each kind of mark becomes SVG: draw(mark, {x, y} value -> pixels, the frame).
const KINDS = {
  line: {
    tag: "path",
    draw: ({ node, x, y, ...mark }, place) => stroke(node, pathOf(x, y, place), mark),
  },
  area: { // between two curves
    tag: "path",
    draw({ node, x, low, high, colour, opacity }, place) {
      const back = Array.from(x, (_, index) => x.length - 1 - index);
      const forth = pathOf(x, high, place), home = pathOf(back.map((i) => x[i]), back.map((i) => low[i]), place);
      put(node, { d: forth && `${forth}${home.replace("M", "L")}Z`, fill: colour, "fill-opacity": opacity });
    },
  },
  boxes: { // bars of any kind, each from left to right and from low to high
    tag: "path",
    draw({ node, left, right, low, high, colour, opacity, fill }, place) {
      let d = "";
      for (let index = 0; index < left.length; index++) {
        const x = place.x(left[index]), y = place.y(high[index]), to = place.x(right[index]), down = place.y(low[index]);
        if ([x, y, to, down].every(Number.isFinite)) d += `M${short(x)} ${short(y)}H${short(to)}V${short(down)}H${short(x)}Z`;
      }
      put(node, { d, fill: fill ?? colour, "fill-opacity": opacity });
    },
  },
  dots: {
    tag: "path", over: true,
    draw({ node, x, y, size, hollow, colour, opacity, halo }, place, { left, top, width, height }) {
      let d = "";
      for (let index = 0; index < x.length; index++) {
        const across = place.x(x[index]), down = place.y(y[index]);
        if (!(across >= left - 1 && across <= left + width + 1 && down >= top - 1 && down <= top + height + 1)) continue;
        d += `M${short(across - size)} ${short(down)}a${size} ${size} 0 1 0 ${2 * size} 0a${size} ${size} 0 1 0 ${-2 * size} 0`;
      }
      put(node, {
        d, fill: hollow ? "none" : colour, "fill-opacity": opacity,
        stroke: hollow ? colour : halo || "none", "stroke-width": hollow ? 2.5 : 1.5,
      });
    },
  },
  rule: { // a line right across, at a value of one axis
    tag: "path",
    draw({ node, axis, at, ...mark }, place, { left, top, width, height }) {
      const where = short(place[axis](at));
      const d = !Number.isFinite(at) ? "" : axis === "x" ? `M${where} ${top}V${top + height}` : `M${left} ${where}H${left + width}`;
      stroke(node, d, mark);
    },
  },
  text: {
    tag: "g", over: true,
    draw({ node, x, y, text, anchor, dx, dy, colour, bold, boxed }, place) {
      node.replaceChildren(...[].concat(text).flatMap((words, index) => {
        const at = { x: place.x(x[index]) + dx, y: place.y(y[index]) + dy }, rows = words.split("\n");
        const made = rows.map((row, number) => svg("text", {
          ...at, y: at.y + 16 * number, "text-anchor": anchor, fill: colour, "font-weight": bold ? 700 : 400,
        }, row));
        if (!boxed) return made;
        const room = 5 + 4.5 * words.length;
        return [svg("rect", {
          x: at.x - room, y: at.y - 15, width: 2 * room, height: 21, rx: 4, fill: "#fff", stroke: colour,
        }), ...made];
      }));
    },
  },
  image: { // a picture that fills a rectangle of the axes
    tag: "image",
    draw({ node, href, x, y }, place) {
      const left = place.x(x[0]), top = place.y(y[1]);
      put(node, {
        href, x: left, y: top, width: place.x(x[1]) - left, height: place.y(y[0]) - top, preserveAspectRatio: "none",
        style: "image-rendering: pixelated",
      });
    },
  },
};

function pathOf(x, y, place) {
  let d = "", pen = "M";
  for (let index = 0; index < x.length; index++) {
    const across = place.x(x[index]), down = place.y(y[index]);
    if (Number.isFinite(across) && Number.isFinite(down)) {
      d += `${pen}${short(across)} ${short(down)}`;
      pen = "L";
    } else pen = "M";
  }
  return d;
}

function stroke(node, d, { colour, width, dash, opacity = 1 }) {
  put(node, {
    d, fill: "none", stroke: colour, "stroke-width": width, "stroke-dasharray": dash || "none", "stroke-opacity": opacity,
    "stroke-linejoin": "round",
  });
}

// White stripes over a colour, so that a bar is told apart without the colour too.
function hatched(defined, id, colour) {
  const pattern = svg("pattern", { id, width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(svg("rect", { width: 8, height: 8, fill: colour }), svg("rect", { width: 2, height: 8, fill: "#fff" }));
  defined.append(pattern);
  return `url(#${id})`;
}

// An entry of the legend: how the mark looks, and its label.
function sample(mark) {
  const shown = svg("svg", { width: 26, height: 14, viewBox: "0 0 26 14" }), node = svg("path");
  if (mark.type === "dots")
    put(node, {
      d: "M9 7a4 4 0 1 0 8 0a4 4 0 1 0 -8 0", fill: mark.hollow ? "none" : mark.colour, stroke: mark.colour, "stroke-width": 2,
    });
  else if (mark.type === "line" || mark.type === "rule") stroke(node, "M1 7H25", mark);
  else put(node, { d: "M4 1H22V13H4Z", fill: mark.fill ?? mark.colour, "fill-opacity": mark.opacity });
  shown.append(node);
  return element("span", {}, shown, mark.label);
}

// [[value, text], ...]: those given, or round ones, about as many as asked for.
export function ticksOf({ low, high, log, ticks, digits = null }, most) {
  if (ticks) return ticks.filter(([value]) => value >= low && value <= high);
  if (log) {
    const found = [];
    for (let power = Math.ceil(Math.log10(low) - 1e-9); 10 ** power <= high * (1 + 1e-9); power++)
      found.push([10 ** power, power < 0 ? (10 ** power).toFixed(-power) : (10 ** power).toLocaleString("en-US")]);
    return found;
  }
  const rough = (high - low) / Math.max(2, most), power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9)), found = [];
  const decimals = digits ?? Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  for (let count = Math.ceil(low / step - 1e-9); count * step <= high + 1e-9 * step; count++)
    found.push([count * step, minus((count * step).toFixed(decimals))]);
  return found;
}

// A number with a true minus sign, and none before zero.
export function minus(text) {
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

const empty = (axis) => axis.ticks?.length === 0;
const limited = (pixels) => Math.max(-FAR, Math.min(FAR, pixels));
const short = (number) => Math.round(number * 100) / 100;

function put(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
}

function svg(tag, attributes = {}, text = null) {
  const made = document.createElementNS(NAMESPACE, tag);
  put(made, attributes);
  if (text !== null) made.textContent = text;
  return made;
}
