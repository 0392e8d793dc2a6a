// DrawingPad in the browser: a pad for mouse, pen and finger. What is drawn goes to the kernel as strokes.
import { eachFrame, element, enter, listeners, paint } from "./page.js";

const SIDE = 280; // CSS pixels
const CLOSEST = 1 / 140; // points of a stroke that lie closer together are left out
const PAUSE = 200; // ms between what is sent while drawing
const PATIENCE = 1000; // ms until the pad says that the kernel has not answered

async function render({ model, el }) {
  const { alt, box } = model.get("settings");
  const ratio = Math.max(1, Math.min(3, window.devicePixelRatio || 1));
  const canvas = element("canvas", { class: "vae-pad", role: "img" }), context = canvas.getContext("2d");
  canvas.width = canvas.height = SIDE * ratio;
  const small = element("canvas", { width: box, height: box }); // a test image, before it is enlarged
  const clear = element("button", { type: "button" }, "Clear");
  const undo = element("button", { type: "button" }, "Undo a stroke");
  const note = element("p", { class: "vae-note", "aria-live": "polite" });
  enter(el, alt);
  el.append(element("div", { class: "vae-tools" }, clear, undo), canvas, note);

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
    canvas.setAttribute("aria-label", `Drawing pad with ${what} on it`);
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
  const add = (event) => {
    const edge = canvas.getBoundingClientRect(), bound = (share) => Math.min(1, Math.max(0, share));
    const x = bound((event.clientX - edge.left) / edge.width), y = bound((event.clientY - edge.top) / edge.height);
    const last = current.length - 2;
    if (last >= 0 && Math.hypot(x - current[last], y - current[last + 1]) < CLOSEST) return;
    current.push(Number(x.toFixed(4)), Number(y.toFixed(4)));
    request();
    sendSoon();
  };
  const finish = () => {
    if (current === null) return;
    current = null;
    send();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    event.preventDefault(); // or the notebook selects text
    canvas.setPointerCapture(event.pointerId);
    model.set("number", -1);
    current = [];
    strokes = [...strokes, current];
    add(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (current === null || !event.isPrimary) return;
    const passed = event.getCoalescedEvents?.() ?? []; // what a fast pen did since the last event
    for (const each of passed.length ? passed : [event]) add(each);
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(name, finish);
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
