// SliceExplorer in the browser: a point on a plane through three codes, what it decodes to, and the nearest images.
import { board } from "./board.js";
import { makeDecoder } from "./decoder.js";
import { floats, paint, picture, setSlider } from "./page.js";

// Places of the `count` rows of `codes` that lie nearest to a code, the nearest first, with their distances.
export function nearest(codes, code, count) {
  const found = [], length = code.length;
  for (let row = 0; row * length < codes.length; row++) {
    let apart = 0;
    for (let k = 0; k < length; k++) apart += (codes[row * length + k] - code[k]) ** 2;
    if (found.length === count && apart >= found[count - 1].apart) continue;
    const place = found.findIndex((each) => apart < each.apart);
    found.splice(place < 0 ? found.length : place, 0, { row, apart });
    found.length = Math.min(found.length, count);
  }
  return found.map(({ row, apart }) => ({ row, distance: Math.sqrt(apart) }));
}

export default {
  render: board((page) => {
    const { model, panels } = page, { labels, between } = model.get("state"), corners = page.table("corners");
    const decoder = makeDecoder(model.get("layers"), model.get("weights"), model.get("precision"));
    const { height, width, latentDim } = decoder, codes = floats(model.get("codes")), code = new Float32Array(latentDim);
    const decoded = picture("decoded here", height, width);
    panels.near.figure.before(decoded.figure);
    const svg = panels.plane.picture, drag = (event) => {
      if (!(event.buttons & 1)) return;
      const place = panels.plane.at(event);
      page.together(() => ["a", "b"].forEach((name, axis) => {
        const slider = page.controls[name], inside = Math.min(slider.get("max"), Math.max(slider.get("min"), place[axis]));
        setSlider(slider, Math.round(inside * 100) / 100);
      }));
    };
    svg.style.cursor = "crosshair";
    svg.style.touchAction = "none";
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      drag(event);
    });
    svg.addEventListener("pointermove", drag);
    return () => {
      const a = page.value("a"), b = page.value("b");
      for (let k = 0; k < latentDim; k++) {
        const origin = corners[k];
        code[k] = origin + a * (corners[latentDim + k] - origin) + b * (corners[2 * latentDim + k] - origin);
      }
      panels.plane.set("point", { x: [a], y: [b] });
      paint(decoded.canvas, decoder.decode(code), height, width);
      const found = nearest(codes, code, 4);
      panels.near.set("", { show: found.map(({ row }) => row) });
      const classes = found.map(({ row }) => labels[row]).join(", ");
      page.say(`The four nearest codes belong to ${classes}. The nearest is ${found[0].distance.toFixed(1)} away; `
        + `the first two corners are ${between.toFixed(1)} apart.`);
    };
  }),
};
