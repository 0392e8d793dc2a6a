// What the explorers' pages share: elements, pictures, one drawing a frame, and the sliders of the notebook.

const STRIP_MS = 4; // of each frame's 16 go to a strip
const SLIDERS = ".widget-slider, .widget-hslider";

// element("button", { class: "vae-x", "aria-label": "..." }, "text", child, ...)
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// What every page begins with: its name for screen readers, and keys that stay here instead of moving the notebook.
export function enter(el, alt) {
  el.classList.add("vae-explorer");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", alt);
  keepKeys(el);
}

// Keys pressed in a part of the page stay there, but for those with Ctrl, Alt or Meta: an arrow in a menu would go to
// another cell of the notebook, and two d's would delete this one. Most notebooks hear keys after the part does;
// Notebook 7 hears them first, and looks for an attribute of the control.
export function keepKeys(part) {
  const plain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;
  const tell = (event) => event.target.toggleAttribute("data-lm-suppress-shortcuts", plain(event));
  const begin = () => window.addEventListener("keydown", tell, true);
  part.addEventListener("focusin", begin);
  part.addEventListener("focusout", () => window.removeEventListener("keydown", tell, true));
  part.addEventListener("keydown", (event) => { if (plain(event)) event.stopPropagation(); });
  if (part.contains(document.activeElement)) begin();
}

// A picture of height * width pixels that CSS enlarges without blur, with a caption over it.
export function picture(caption, height, width) {
  const canvas = element("canvas", { class: "vae-pixels", role: "img", "aria-label": caption });
  canvas.height = height;
  canvas.width = width;
  const heading = element("figcaption", {}, caption);
  return {
    canvas,
    figure: element("figure", { class: "vae-picture" }, heading, canvas),
    describe(text, spoken = text) {
      heading.textContent = text;
      canvas.setAttribute("aria-label", spoken);
    },
  };
}

// Draw pixels (1 is ink) into a canvas, from the column `left` on.
export function paint(canvas, pixels, height, width, left = 0) {
  const context = canvas.getContext("2d");
  const kept = (canvas.vaeFrame ??= context.createImageData(width, height));
  const bytes = kept.data;
  for (let index = 0; index < height * width; index++) {
    const ink = Math.min(1, Math.max(0, pixels[index]));
    const grey = Math.round(255 * (1 - ink));
    bytes[4 * index] = bytes[4 * index + 1] = bytes[4 * index + 2] = grey;
    bytes[4 * index + 3] = 255;
  }
  context.putImageData(kept, left, 0);
}

// Many small pictures in one PNG or WebP, `columns` a row: drawn by number, at a place of a canvas.
export async function openSheet(bytes, columns, height, width) {
  const blob = new Blob([bytes]), first = new Uint8Array(await blob.slice(0, 1).arrayBuffer())[0];
  const typed = blob.slice(0, blob.size, first === 0x89 ? "image/png" : "image/webp");
  const sheet = blob.size ? await createImageBitmap(typed) : null;
  return {
    draw(canvas, number, x = 0, y = 0) {
      const context = canvas.getContext("2d");
      context.clearRect(x, y, width, height);
      if (sheet === null || number < 0) return;
      const left = (number % columns) * width, top = Math.floor(number / columns) * height;
      context.drawImage(sheet, left, top, width, height, x, y, width, height);
    },
    close: () => sheet?.close(),
  };
}

// A strip of pictures along a slider, with a mark at the slider's value; a click goes to a place, 0 to 1.
export function makeStrip(count, height, width, goTo) {
  const step = width + 1, { canvas, figure, describe } = picture("", height, count * step - 1);
  const mark = element("div", { class: "vae-mark", "aria-hidden": "true" });
  const track = element("div", { class: "vae-track" }, canvas, mark);
  figure.classList.add("vae-strip");
  figure.append(track);
  // The first picture stands for 0 and the last for 1; each is marked at its middle.
  const middle = (width / 2) / canvas.width, span = 1 - 2 * middle;
  canvas.addEventListener("click", (event) => {
    const place = (event.offsetX / canvas.clientWidth - middle) / span;
    goTo(Math.min(1, Math.max(0, place)));
  });
  const drawOne = (index, decodeAt) =>
    paint(canvas, decodeAt(index / (count - 1), index), height, width, index * step);
  let left = 0, next = 0, waiting = 0, latest = null;
  const drawSome = () => {
    waiting = 0;
    for (const until = performance.now() + STRIP_MS; left && performance.now() < until; left--) {
      drawOne(next, latest);
      next = (next + 1) % count;
    }
    if (left) waiting = requestAnimationFrame(drawSome);
    else figure.removeAttribute("aria-busy");
  };
  return {
    figure,
    describe: (text) => describe(text, `${count} pictures, ${text}`),
    drawOne,
    // The same over the next frames, a few pictures in each: a strip takes longer to decode than a frame lasts.
    follow(decodeAt) {
      latest = decodeAt;
      left = count;
      figure.setAttribute("aria-busy", "true");
      waiting ||= requestAnimationFrame(drawSome);
    },
    cancel: () => cancelAnimationFrame(waiting),
    mark(place) {
      mark.style.left = `${100 * (middle + span * Math.min(1, Math.max(0, place)))}%`;
    },
  };
}

// request() draws at once, but no more than once before each frame of the screen: of what else is asked for before then,
// the latest value is drawn in that frame. request.together(action): what the action changes is drawn once, at its end.
export function eachFrame(draw, el) {
  const alert = element("div", { class: "vae-error", role: "alert", hidden: "" });
  el.append(alert);
  let waiting = 0, stale = false, held = false;
  const run = () => {
    stale = false;
    try {
      draw();
      if (!alert.hidden) alert.hidden = true; // set anew, it would be an event for screen readers, in each frame
    } catch (problem) {
      alert.textContent = `This move failed. ${problem}`;
      alert.hidden = false;
    }
  };
  const request = () => {
    stale = true;
    if (held || waiting) return;
    waiting = requestAnimationFrame(() => {
      waiting = 0;
      if (stale) request();
    });
    run();
  };
  request.together = (action) => {
    held = true;
    try {
      action();
    } finally {
      held = false;
      request();
    }
  };
  request.cancel = () => cancelAnimationFrame(waiting);
  return request;
}

// The models of the notebook's own sliders and fields, which the trait `name` refers to.
export function linked(model, name) {
  const found = model.get(name).map((reference) => model.widget_manager.get_model(reference.slice("IPY_MODEL_".length)));
  return Promise.all(found);
}

// Listeners that are taken off together: on(target, "change:value", heard); on.off().
export function listeners() {
  const all = [];
  const on = (target, event, heard) => {
    target.on(event, heard);
    all.push([target, event, heard]);
  };
  on.off = () => all.splice(0).forEach(([target, event, heard]) => target.off(event, heard));
  return on;
}

// The handles of ipywidgets' sliders carry no name for screen readers, those of version 7 no role and no value either:
// they are given what stands beside them. Lines of text that follow the sliders are read out.
export function nameHandles() {
  for (const slider of document.querySelectorAll(SLIDERS)) {
    const handle = slider.querySelector(".noUi-handle, .ui-slider-handle");
    if (!handle) continue;
    const [name, value] = [".widget-label", ".widget-readout"].map((kind) => slider.querySelector(kind)?.textContent ?? "");
    setAll(handle, { role: "slider", "aria-label": name, "aria-valuetext": value });
    if (handle.matches(".ui-slider-handle")) setAll(handle, { "aria-valuenow": value.replace("−", "-") });
  }
  for (const line of document.querySelectorAll(".vae-said")) setAll(line, { role: "status" });
}

// Keeps them named: all when a part of the page gets the focus, and the value of the slider that has it as it moves.
// Returns what ends it.
export function keepNames() {
  const moved = new MutationObserver(nameHandles);
  const focused = (event) => {
    nameHandles();
    moved.disconnect();
    const readout = event?.target.closest?.(SLIDERS)?.querySelector(".widget-readout");
    if (readout) moved.observe(readout, { childList: true, characterData: true, subtree: true });
  };
  document.addEventListener("focusin", focused);
  requestAnimationFrame(() => requestAnimationFrame(nameHandles)); // the sliders beside this part are there by then
  return () => {
    moved.disconnect();
    document.removeEventListener("focusin", focused);
  };
}

function setAll(one, attributes) {
  for (const [name, text] of Object.entries(attributes))
    if (one.getAttribute(name) !== text) one.setAttribute(name, text);
}

export function setSlider(slider, value) {
  const low = Math.min(slider.get("min"), value), high = Math.max(slider.get("max"), value);
  slider.set({ min: low, max: high, value }); // one that is too short for its value grows, or it would show another
  slider.save_changes();
}

// Another text in the same text node: a new node for each move would wait for the browser to clear it away.
export function write(part, text) {
  const only = part.childNodes.length === 1 && part.firstChild.nodeType === Node.TEXT_NODE;
  if (!only) part.textContent = text;
  else if (part.firstChild.data !== text) part.firstChild.data = text;
}

// A line of text that is read out when it changes.
export function liveNote() {
  const note = element("p", { class: "vae-note", role: "status" });
  return {
    note,
    say(text) { write(note, text); },
  };
}

// The numbers of a trait of bytes.
export function floats(view) {
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

export function signed(number, digits = 1) {
  const text = Math.abs(number).toFixed(digits);
  return Number(text) === 0 ? text : (number < 0 ? "−" : "+") + text;
}
