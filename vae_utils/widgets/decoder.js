// Runs a decoder network in the browser: a latent code in, grey pixels out. No dependencies, no Jupyter.
//
//   import { makeDecoder } from "./decoder.js";
//   const decoder = makeDecoder(layers, bytes);            // see export.py for both
//   const pixels = decoder.decode([0.3, -1.2]);            // Float32Array, height * width, row by row, 1 is ink
//
// The array is the same one each time: copy it if you want to keep it. Nothing is allocated while decoding.

export function makeDecoder(layers, bytes, precision = "float16") {
  const numbers = precision === "float16" ? unpackHalf(bytes) : new Float32Array(copied(bytes));
  const steps = [];
  let shape = [layers[0].inputs];
  for (const layer of layers) {
    if (!(layer.type in MAKERS)) throw new Error(`decoder.js cannot run a layer of type "${layer.type}"`);
    const made = MAKERS[layer.type](layer, shape, numbers);
    shape = made.shape;
    if (made.run) steps.push(made.run);
  }
  const [height, width] = shape.slice(-2);
  const input = new Float32Array(layers[0].inputs);
  return {
    latentDim: input.length, height, width,
    decode(z) {
      input.set(z);
      let values = input;
      for (const run of steps) values = run(values);
      return values;
    },
  };
}

// From a layer's description, the shape of what goes in, and all weights: the shape of what comes out, and how.
const MAKERS = {
  linear(layer, shape, numbers) {
    const { inputs, outputs } = layer;
    if (size(shape) !== inputs) throw new Error(`a linear layer takes ${inputs} numbers, received ${shape}`);
    const rows = new Float32Array(inputs * outputs); // one row an input: those of inputs that are 0 are left out
    for (let to = 0; to < outputs; to++)
      for (let from = 0; from < inputs; from++)
        rows[from * outputs + to] = numbers[layer.weight + to * inputs + from];
    const bias = biasOf(layer, numbers), result = new Float32Array(outputs), add = rowAdder(inputs, outputs);
    return {
      shape: [outputs],
      run(values) {
        result.set(bias);
        add(result, rows, values, 0, 1);
        return result;
      },
    };
  },

  conv_transpose(layer, [channels, height, width], numbers) {
    const { outputs, kernel: [kh, kw], stride: [sh, sw], padding: [ph, pw], dilation: [dh, dw] } = layer;
    if (channels !== layer.inputs) throw new Error(`a layer takes ${layer.inputs} channels, received ${channels}`);
    const [eh, ew] = layer.output_padding, places = height * width;
    const outHeight = (height - 1) * sh - 2 * ph + dh * (kh - 1) + eh + 1;
    const outWidth = (width - 1) * sw - 2 * pw + dw * (kw - 1) + ew + 1;
    // Each place of the input adds a patch to a page with margins, so that no patch has to ask where the edge is.
    const pageHeight = Math.max((height - 1) * sh + dh * (kh - 1) + 1, ph + outHeight);
    const pageWidth = Math.max((width - 1) * sw + dw * (kw - 1) + 1, pw + outWidth);
    const page = new Float32Array(outputs * pageHeight * pageWidth);
    const patch = new Float32Array(outputs * kh * kw), offsets = new Int32Array(patch.length);
    for (let channel = 0, index = 0; channel < outputs; channel++)
      for (let y = 0; y < kh; y++)
        for (let x = 0; x < kw; x++, index++) offsets[index] = (channel * pageHeight + y * dh) * pageWidth + x * dw;
    const rows = numbers.subarray(layer.weight, layer.weight + channels * patch.length);
    const bias = biasOf(layer, numbers), add = rowAdder(channels, patch.length);
    const result = new Float32Array(outputs * outHeight * outWidth);
    return {
      shape: [outputs, outHeight, outWidth],
      run(values) {
        page.fill(0);
        for (let y = 0, place = 0; y < height; y++)
          for (let x = 0; x < width; x++, place++) {
            patch.fill(0);
            if (!add(patch, rows, values, place, places)) continue;
            const corner = y * sh * pageWidth + x * sw;
            for (let index = 0; index < patch.length; index++) page[corner + offsets[index]] += patch[index];
          }
        for (let channel = 0, index = 0; channel < outputs; channel++)
          for (let y = 0; y < outHeight; y++) {
            const start = (channel * pageHeight + y + ph) * pageWidth + pw;
            for (let x = 0; x < outWidth; x++, index++) result[index] = page[start + x] + bias[channel];
          }
        return result;
      },
    };
  },

  unflatten(layer, shape) {
    if (size(shape) !== size(layer.shape)) throw new Error(`cannot shape ${shape} numbers as ${layer.shape}`);
    return { shape: layer.shape };
  },

  relu: pointwise((values, result) => {
    for (let index = 0; index < values.length; index++) result[index] = values[index] > 0 ? values[index] : 0;
  }),
  tanh: pointwise((values, result) => {
    for (let index = 0; index < values.length; index++) result[index] = Math.tanh(values[index]);
  }),
  sigmoid: pointwise((values, result) => {
    for (let index = 0; index < values.length; index++) result[index] = 1 / (1 + Math.exp(-values[index]));
  }),
};

function pointwise(apply) {
  return (_, shape) => {
    const result = new Float32Array(size(shape));
    return {
      shape,
      run(values) {
        apply(values, result);
        return result;
      },
    };
  };
}

// Makes add(sum, rows, values, start, stride): sum += values[start + i * stride] * row i, over i; whether any was not 0.
// After a ReLU half of the values are 0: they are skipped, and the others taken four at a time.
function rowAdder(count, length) {
  const used = new Int32Array(count + 3), factors = new Float32Array(count + 3);
  return (sum, rows, values, start, stride) => {
    let found = 0;
    for (let index = 0, at = start; index < count; index++, at += stride)
      if (values[at] !== 0) {
        used[found] = index * length;
        factors[found++] = values[at];
      }
    for (let extra = 0; extra < 3; extra++) {
      used[found + extra] = 0;
      factors[found + extra] = 0;
    }
    for (let group = 0; group < found; group += 4) {
      const r0 = used[group], r1 = used[group + 1], r2 = used[group + 2], r3 = used[group + 3];
      const f0 = factors[group], f1 = factors[group + 1], f2 = factors[group + 2], f3 = factors[group + 3];
      for (let j = 0; j < length; j++)
        sum[j] += f0 * rows[r0 + j] + f1 * rows[r1 + j] + f2 * rows[r2 + j] + f3 * rows[r3 + j];
    }
    return found > 0;
  };
}

function biasOf(layer, numbers) {
  return layer.bias === null
    ? new Float32Array(layer.outputs)
    : numbers.subarray(layer.bias, layer.bias + layer.outputs);
}

function size(shape) {
  return shape.reduce((product, length) => product * length, 1);
}

// The bytes of an ArrayBuffer, a typed array or a DataView, at an address that any typed array may start at.
function copied(bytes) {
  return bytes instanceof ArrayBuffer
    ? bytes
    : bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

// 16-bit floating point numbers (IEEE 754, little-endian) as 32-bit ones. Newer browsers do this themselves, at once.
export function unpackHalf(bytes) {
  if (globalThis.Float16Array) return new Float32Array(new Float16Array(copied(bytes)));
  const halves = new Uint16Array(copied(bytes)), numbers = new Float32Array(halves.length);
  for (let index = 0; index < halves.length; index++) {
    const half = halves[index], exponent = (half >> 10) & 31, fraction = half & 1023;
    const magnitude = exponent === 0 ? fraction * 2 ** -24
      : exponent === 31 ? (fraction ? NaN : Infinity)
      : (1 + fraction / 1024) * 2 ** (exponent - 15);
    numbers[index] = half & 0x8000 ? -magnitude : magnitude;
  }
  return numbers;
}
