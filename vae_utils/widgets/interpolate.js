// Interpolator in the browser: two images' codes, a way between them, and the picture at a place t on it.
import { hear } from "./hearing.js";
import {
  eachFrame, element, enter, floats, linked, listeners, liveNote, makeStrip, openSheet, paint, picture, setSlider,
} from "./page.js";
import { makeSource } from "./source.js";

const STRIP = 9, WAYS = ["lerp", "slerp"];

// The code at t between the codes a and b, into `into`: along the straight line, or along the arc about the origin.
export function between(a, b, t, along, into) {
  let first = 1 - t, second = t;
  if (along === "slerp") {
    let dot = 0, aa = 0, bb = 0;
    for (let k = 0; k < a.length; k++) {
      dot += a[k] * b[k];
      aa += a[k] * a[k];
      bb += b[k] * b[k];
    }
    const angle = Math.acos(Math.min(1, Math.max(-1, dot / Math.sqrt(aa * bb))));
    if (Math.sin(angle) > 1e-3) { // not if one code is 0, for which the angle is not a number
      first = Math.sin((1 - t) * angle) / Math.sin(angle);
      second = Math.sin(t * angle) / Math.sin(angle);
    }
  }
  for (let k = 0; k < a.length; k++) into[k] = first * a[k] + second * b[k];
  return into;
}

async function render({ model, el }) {
  void hear(model);
  const { alt, columns, latentDim, typical } = model.get("settings");
  const controls = await linked(model, "sliders"), [start, end, choice, slider] = controls;
  const source = makeSource(model), { height, width } = source, codes = floats(model.get("codes"));
  const sheet = await openSheet(model.get("sheet"), columns, height, width);
  const code = new Float32Array(latentDim);
  const way = () => WAYS[choice.get("index")]; // a menu tells the page the place of what is chosen, not its value
  const codeOf = (field) => codes.subarray(field.get("value") * latentDim, (field.get("value") + 1) * latentDim);
  const codeAt = (t) => between(codeOf(start), codeOf(end), t, way(), code);

  const from = picture("", height, width), middle = picture("", height, width), to = picture("", height, width);
  const strip = makeStrip(STRIP, height, width, (share) => setSlider(slider, share));
  const { note, say } = liveNote();
  enter(el, alt);
  el.append(element("div", { class: "vae-row" }, from.figure, middle.figure, to.figure), strip.figure, note);

  let drawn = "";
  const request = eachFrame(() => {
    const ends = `${start.get("value")} ${end.get("value")} ${way()}`, t = slider.get("value");
    if (drawn !== ends) {
      drawn = ends;
      for (const [part, field] of [[from, start], [to, end]]) {
        sheet.draw(part.canvas, field.get("value"));
        part.describe(`test image ${field.get("value")}`);
      }
      strip.follow((share, index) => source.decode(codeAt(share), index));
      strip.describe(`${way()}, from the first code to the second`);
    }
    codeAt(t);
    const length = Math.hypot(...code);
    paint(middle.canvas, source.decode(code), height, width);
    middle.describe(`decoded at t = ${t.toFixed(2)}`);
    strip.mark(t);
    say(`This code has the length ${length.toFixed(1)}; ${typical}.`);
  }, el);
  const on = listeners();
  for (const control of controls) on(control, "change:value change:index", request);
  on(model, "change:decoded", request);
  on(model, "change:strip", () => {
    drawn = "";
    request();
  });
  request();
  return () => {
    on.off();
    request.cancel();
    strip.cancel();
    sheet.close();
  };
}

export default { render };
