// LatentExplorer in the browser: sliders to code, code to picture; needs no kernel for a decoder that runs here.
import { hear } from "./hearing.js";
import {
  eachFrame, element, enter, floats, linked, listeners, liveNote, makeStrip, openSheet, paint, picture, setSlider, signed,
  write,
} from "./page.js";
import { makePlane } from "./plane.js";
import { makeSource } from "./source.js";

const STRIP = 9;

async function render({ model, el }) {
  void hear(model);
  const { dims, centre, spread, alt, reset, draw, count, columns, labels, colours, prior, plane: ground } = model.get("settings");
  const sliders = await linked(model, "sliders"), names = dims.map((dim) => `z[${dim}]`);
  const source = makeSource(model), { height, width } = source, codes = floats(model.get("codes"));
  const sheet = await openSheet(model.get("sheet"), columns, height, width);
  const code = new Float32Array(dims.length), other = new Float32Array(dims.length);
  const changed = new Set();
  let active = 0;

  // ---- what the learner does ----
  // A model that the kernel decodes is moved there as well: one message, and not one for each slider.
  const place = (wanted, chosen, name) => source.fed ? model.send({ name, number: chosen }) : request.together(() => {
    if (count) {
      model.set("chosen", chosen);
      model.save_changes();
    }
    dims.forEach((dim, index) => { if (!locked(index)) setSlider(sliders[index], wanted(dim)); });
  });
  const locked = (index) => sliders[index].get("disabled");
  const lock = (index, value) => {
    sliders[index].set("disabled", value);
    sliders[index].save_changes();
  };
  const goTo = () => {
    const number = Math.min(count - 1, Math.max(0, Math.round(Number(field.value) || 0)));
    field.value = number;
    place((dim) => codes[number * dims.length + dim], number, "go_to");
  };

  // ---- what is on the page ----
  const button = (text, pressed) => {
    const made = element("button", { type: "button" }, text);
    made.addEventListener("click", pressed);
    return made;
  };
  const field = element("input", { type: "number", min: 0, max: count - 1, step: 1, value: Math.max(0, model.get("chosen")) });
  field.addEventListener("change", goTo);
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") goTo(); });
  const lockButton = button("", () => lock(active, true)), unlocks = element("span", { class: "vae-locks" });
  const tools = element("div", { class: "vae-tools", role: "group", "aria-label": "Move all sliders" },
    button(reset, () => place((dim) => centre[dim], -1, "reset")),
    button(draw, () => place((dim) => centre[dim] + spread[dim] * gaussian(), -1, "draw_code")));
  if (count) tools.append(element("label", {}, "test image ", field), button("Go to it", goTo));
  tools.append(lockButton, unlocks);

  const original = picture("test image", height, width), decoded = picture("decoded from the sliders", height, width);
  const strip = makeStrip(STRIP, height, width, (share) => {
    const slider = sliders[active];
    if (!locked(active)) setSlider(slider, slider.get("min") + share * (slider.get("max") - slider.get("min")));
  });
  const row = element("div", { class: "vae-row" });
  const moveTo = (x, y) => request.together(() => [x, y].forEach((value, dim) => {
    const index = dims.indexOf(dim);
    if (!locked(index)) setSlider(sliders[index], value);
  }));
  const plane = ground && makePlane({
    codes, labels, colours, limits: ground.limits, classNames: ground.names, names: ["z[0]", "z[1]"], prior, move: moveTo,
  });
  if (plane) row.append(plane.figure);
  if (count) row.append(original.figure);
  row.append(decoded.figure);
  const { note, say } = liveNote();
  enter(el, alt);
  el.append(tools, row, strip.figure, note);

  // ---- drawing ----
  let drawnImage = null;
  const drawFrame = () => {
    dims.forEach((dim, index) => { code[dim] = sliders[index].get("value"); });
    paint(decoded.canvas, source.decode(code), height, width);
    plane?.draw(code[0], code[1]);
    // One slider moved: it is the active one. While it moves, the strip along it stays as it is.
    const only = changed.size === 1 ? [...changed][0] : null;
    if (source.fed) activate(only ?? active);
    else if (only === null || only !== active || strip.drawn !== key()) drawStrip(only ?? active);
    changed.clear();
    const slider = sliders[active];
    strip.mark((slider.get("value") - slider.get("min")) / (slider.get("max") - slider.get("min")));
    describe();
  };
  const activate = (index) => {
    if (index === active) return;
    active = index;
    model.set("along", index); // the kernel answers with another strip
    model.save_changes();
  };
  const key = () => `${active} ${sliders[active].get("min")} ${sliders[active].get("max")}`;
  const drawStrip = (index) => {
    active = index;
    const low = sliders[active].get("min"), high = sliders[active].get("max");
    other.set(code);
    strip.follow((share, number) => {
      other[dims[active]] = low + share * (high - low);
      return source.decode(other, number);
    });
    strip.describe(`along ${names[active]}, from ${signed(low)} to ${signed(high)}, the others as they stand`);
    strip.drawn = key();
  };
  const describe = () => {
    const chosen = model.get("chosen"), kind = labels && chosen >= 0 ? `, a ${labels[chosen]}` : "";
    if (count && drawnImage !== chosen) {
      sheet.draw(original.canvas, chosen);
      original.describe(chosen < 0 ? "no test image" : `test image ${chosen}${kind}`);
      if (chosen >= 0) field.value = chosen;
      drawnImage = chosen;
    }
    const moved = chosen < 0 ? 0
      : dims.filter((dim) => Math.abs(code[dim] - codes[chosen * dims.length + dim]) > 6e-3).length;
    say(!count ? "" : chosen < 0 ? "The sliders stand at no test image."
      : moved ? `${moved} of ${dims.length} sliders moved away from its code.` : "The sliders stand at its code.");
    const held = dims.map((_, index) => index).filter(locked);
    write(lockButton, `Lock ${names[active]}`);
    lockButton.disabled = locked(active);
    if (unlocks.dataset.held !== String(held)) {
      unlocks.dataset.held = String(held);
      unlocks.replaceChildren(...held.map((index) => button(`Unlock ${names[index]}`, () => lock(index, false))));
    }
  };

  const request = eachFrame(drawFrame, el), on = listeners();
  sliders.forEach((slider, index) => {
    on(slider, "change:value change:min change:max", () => {
      changed.add(index);
      request();
    });
    on(slider, "change:disabled", request);
  });
  on(model, "change:chosen change:decoded", request);
  if (source.fed) {
    active = model.get("along");
    on(model, "change:strip", () => drawStrip(active));
    drawStrip(active);
  }
  request();
  return () => {
    on.off();
    request.cancel();
    strip.cancel();
    sheet.close();
  };
}

// A draw from the standard normal distribution (Box and Muller).
function gaussian() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

export default { render };
