// DrawingPad in the browser: a pad for mouse, pen, finger and keyboard. What is drawn goes to the kernel as strokes.
import { hear } from "./hearing.js";
import { eachFrame, element, enter, listeners, paint, write } from "./page.js";

const SIDE = 280; // CSS pixels
const CLOSEST = 1 / 140; // points of a stroke that lie closer together are left out
const PAUSE = 200; // ms between what is sent while drawing
const PATIENCE = 1000; // ms until the pad says that the kernel has not answered
const STEP = 1 / 28, LEAP = 1 / 7; // how far an arrow key moves the pen, without and with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = "Arrow keys move the pen, two at once aslant, with Shift in larger steps. Space or Enter lowers and raises it.";
const HINT = "or with keys: arrows move, Space draws";

async function render({ model, el }) {
  void hear(model);
  const { alt, box } = model.get("settings");
  const ratio = Math.max(1, Math.min(3, window.devicePixelRatio || 1));
  const canvas = element("canvas", {
    class: "vae-pad", tabindex: "0", role: "application", "aria-roledescription": "drawing pad",
  });
  const context = canvas.getContext("2d");
  canvas.width = canvas.height = SIDE * ratio;
  const small = element("canvas", { width: box, height: box }); // a test image, before it is enlarged
  const clear = element("button", { type: "button" }, "Clear");
  const undo = element("button", { type: "button" }, "Undo a stroke");
  const note = element("p", { class: "vae-note", "aria-live": "polite" });
  // Where the keys' pen is, over the pad and not on it: seen while the pad has the focus.
  const pen = element("span", { class: "vae-pen", "aria-hidden": "true" }), place = { x: 0.5, y: 0.25 };
  const spoken = element("div", { class: "vae-unseen", "aria-live": "polite" });
  enter(el, alt);
  el.append(
    element("div", { class: "vae-tools" }, clear, undo),
    element("div", { class: "vae-paper" }, canvas, pen), element("p", { class: "vae-keys" }, HINT), note, spoken,
  );

  let strokes = model.get("value"), current = null, waiting = 0, sent = model.get("turn"), patience = 0;
  const loaded = () => model.get("number") >= 0;

  const request = eachFrame(() => {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (loaded()) {
      const { buffer, byteOffset, byteLength } = model.get("image");
      paint(small, Array.from(new Uint8Array(buffer, byteOffset, byteLength), (ink) => ink / 255), box, box);
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, canvas.width, canvas.height);
    }
    context.scale(canvas.width, canvas.width); // from here on 0 to 1, as the strokes are
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = "#1a1a1a";
    context.lineWidth = model.get("pen") / box;
    for (const stroke of strokes) {
      context.beginPath();
      context.moveTo(stroke[0], stroke[1]);
      for (let at = 0; at < stroke.length; at += 2) context.lineTo(stroke[at], stroke[at + 1]);
      context.stroke();
    }
    const what = loaded() ? `test image ${model.get("number")}` : `${strokes.length} stroke${strokes.length === 1 ? "" : "s"}`;
    const label = `Drawing pad with ${what} on it. ${KEYS}`;
    if (canvas.getAttribute("aria-label") !== label) canvas.setAttribute("aria-label", label);
    const wide = `${100 * model.get("pen") / box}%`;
    Object.assign(pen.style, { left: `${100 * place.x}%`, top: `${100 * place.y}%`, width: wide, height: wide });
    clear.disabled = !strokes.length && !loaded();
    undo.disabled = !strokes.length;
  }, el);

  const send = () => {
    clearTimeout(waiting);
    waiting = 0;
    sent += 1;
    model.set({ value: strokes.map((stroke) => [...stroke]), turn: sent });
    model.save_changes();
    clearTimeout(patience);
    patience = setTimeout(() => {
      if (model.get("answered") !== sent) note.textContent = "Waiting for the kernel: is it busy, or not running?";
    }, PATIENCE);
  };
  const sendSoon = () => { waiting ||= setTimeout(send, PAUSE); };
  const add = (x, y) => {
    const last = current.length - 2;
    if (last >= 0 && Math.hypot(x - current[last], y - current[last + 1]) < CLOSEST) return;
    current.push(Number(x.toFixed(4)), Number(y.toFixed(4)));
    request();
    sendSoon();
  };
  const begin = () => {
    finish();
    model.set("number", -1);
    current = [];
    strokes = [...strokes, current];
  };
  const finish = () => {
    pen.classList.remove("vae-down");
    if (current === null) return;
    current = null;
    send();
  };

  // ---- mouse, pen and finger ----
  const bound = (share) => Math.min(1, Math.max(0, share));
  const follow = (event) => {
    const edge = canvas.getBoundingClientRect();
    add(bound((event.clientX - edge.left) / edge.width), bound((event.clientY - edge.top) / edge.height));
  };
  let pointing = false;
  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    event.preventDefault(); // or the notebook selects text
    canvas.setPointerCapture(event.pointerId);
    begin();
    pointing = true;
    follow(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!pointing || !event.isPrimary) return;
    const passed = event.getCoalescedEvents?.() ?? []; // what a fast pen did since the last event
    for (const each of passed.length ? passed : [event]) follow(each);
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"])
    canvas.addEventListener(name, () => {
      if (pointing) finish();
      pointing = false;
    });

  // ---- the keyboard ----
  const pressed = new Set();
  const where = () => `${Math.round(100 * place.x)} % from the left, ${Math.round(100 * place.y)} % from the top`;
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || pointing) return;
    if (event.key === " " || event.key === "Enter") {
      if (!event.repeat && current === null) {
        begin();
        add(place.x, place.y);
        pen.classList.add("vae-down");
      } else if (!event.repeat) finish();
    } else if (event.key in ARROWS) {
      pressed.add(event.key);
      for (const key of pressed) {
        const [right, down] = ARROWS[key], far = event.shiftKey ? LEAP : STEP;
        Object.assign(place, { x: bound(place.x + right * far), y: bound(place.y + down * far) });
      }
      if (current !== null) add(place.x, place.y);
      request();
    } else return;
    event.preventDefault(); // or the page scrolls
    write(spoken, `Pen ${current === null ? "up" : "down"}, ${where()}`);
  });
  canvas.addEventListener("keyup", (event) => pressed.delete(event.key));
  canvas.addEventListener("blur", () => {
    pressed.clear();
    if (!pointing) finish();
  });

  const change = (kept) => {
    model.set("number", -1);
    strokes = kept;
    request();
    send();
  };
  clear.addEventListener("click", () => change([]));
  undo.addEventListener("click", () => change(strokes.slice(0, -1)));

  const on = listeners();
  on(model, "change:value change:number change:pen", () => {
    if (current !== null) return; // whoever draws has the say
    strokes = model.get("value");
    request();
  });
  on(model, "change:answered", () => { if (model.get("answered") === sent) note.textContent = ""; });
  request();
  return () => {
    on.off();
    request.cancel();
    clearTimeout(waiting);
    clearTimeout(patience);
  };
}

export default { render };
