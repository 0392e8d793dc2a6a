// Where an explorer's pictures come from: the decoder in the browser, or the kernel for a model that it cannot run.
import { makeDecoder } from "./decoder.js";

// decode(code): the picture of a code; in a strip of pictures, the one with the number `index`.
// fed: the kernel decodes, by its own account of where the sliders stand: whatever the code, its latest pictures.
export function makeSource(model) {
  const layers = model.get("layers");
  if (layers.length) {
    const decoder = makeDecoder(layers, model.get("weights"), model.get("precision"));
    return { fed: false, height: decoder.height, width: decoder.width, decode: decoder.decode };
  }
  const [height, width] = model.get("settings").size, pixels = new Float32Array(height * width);
  return {
    fed: true, height, width,
    decode(_, index = -1) {
      const ink = model.get(index < 0 ? "decoded" : "strip"), start = Math.max(0, index) * pixels.length;
      for (let at = 0; at < pixels.length; at++)
        pixels[at] = start + at < ink.byteLength ? ink.getUint8(start + at) / 255 : 0;
      return pixels;
    },
  };
}
