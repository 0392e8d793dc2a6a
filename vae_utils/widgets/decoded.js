// One decoded picture for any explorer whose code is a fixed code plus its sliders times fixed directions.
import { makeDecoder } from "./decoder.js";
import { hear } from "./hearing.js";
import { eachFrame, enter, floats, keepNames, linked, listeners, paint, picture } from "./page.js";

async function render({ model, el }) {
  void hear(model);
  const { alt, caption } = model.get("settings"), sliders = await linked(model, "sliders");
  const decoder = makeDecoder(model.get("layers"), model.get("weights"), model.get("precision"));
  const { height, width, latentDim } = decoder, code = new Float32Array(latentDim);
  const shown = picture(caption, height, width);
  enter(el, alt);
  el.append(shown.figure);
  const request = eachFrame(() => {
    const rows = floats(model.get("codes")); // the fixed code, then a direction for each slider
    code.set(rows.subarray(0, latentDim));
    sliders.forEach((slider, index) => {
      const value = slider.get("value"), start = (index + 1) * latentDim;
      for (let k = 0; k < latentDim; k++) code[k] += value * rows[start + k];
    });
    paint(shown.canvas, decoder.decode(code), height, width);
  }, el);
  const on = listeners();
  for (const slider of sliders) on(slider, "change:value", request);
  on(model, "change:codes", request);
  request();
  const release = keepNames(); // for sliders that are in no explorer
  return () => {
    on.off();
    request.cancel();
    release();
  };
}

export default { render };
