// A plane of two latent dimensions: the codes of images as points, the prior's circles, and a cross to drag over it.
import { element } from "./page.js";

const SIDE = 340, MARGIN = 34, SPACING = 10; // CSS pixels
const FONT = "13px system-ui, sans-serif";

// codes: Float32Array, x and y by turns; labels: class of each, or null; limits: [[low, high], [low, high]];
// classNames: [class, x, y] each; names: of both axes; move(x, y) is called with the places that the learner goes to.
export function makePlane({ codes, labels, colours, limits, classNames, names, prior, move }) {
  const canvas = element("canvas", {
    class: "vae-plane", tabindex: "0", role: "application", "aria-roledescription": "plane",
    "aria-label": `Latent plane, ${names[0]} to the right and ${names[1]} upwards: drag, or move with the arrow keys, `
      + "with Shift in larger steps.",
  });
  const spoken = element("div", { class: "vae-unseen", "aria-live": "polite" });
  const ratio = Math.max(1, Math.min(3, window.devicePixelRatio || 1)), inner = SIDE - MARGIN - SPACING;
  canvas.width = canvas.height = SIDE * ratio;
  const context = canvas.getContext("2d"), point = [0, 0];
  const span = limits.map(([low, high]) => high - low);
  const toX = (x) => MARGIN + ((x - limits[0][0]) / span[0]) * inner;
  const toY = (y) => SPACING + ((limits[1][1] - y) / span[1]) * inner;
  const ground = drawGround();

  function drawGround() {
    const page = element("canvas");
    page.width = page.height = canvas.width;
    const pen = page.getContext("2d");
    pen.scale(ratio, ratio);
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, SIDE, SIDE);
    pen.font = FONT;
    pen.fillStyle = "#1a1a1a";
    pen.strokeStyle = "#e4e4e4";
    for (const axis of [0, 1]) {
      const step = niceStep(span[axis] / 6);
      for (let at = Math.ceil(limits[axis][0] / step) * step; at <= limits[axis][1]; at += step) {
        const text = String(Number(at.toPrecision(6))).replace("-", "−");
        pen.beginPath();
        if (axis === 0) {
          pen.textAlign = "center";
          pen.fillText(text, toX(at), SIDE - MARGIN + SPACING + 8);
          pen.moveTo(toX(at), SPACING);
          pen.lineTo(toX(at), SPACING + inner);
        } else {
          pen.textAlign = "right";
          pen.fillText(text, MARGIN - 5, toY(at) + 4);
          pen.moveTo(MARGIN, toY(at));
          pen.lineTo(MARGIN + inner, toY(at));
        }
        pen.stroke();
      }
    }
    pen.textAlign = "right";
    pen.fillText(names[0], MARGIN + inner - 4, SPACING + inner - 6);
    pen.textAlign = "left";
    pen.fillText(names[1], MARGIN + 5, SPACING + 14);
    pen.save();
    pen.beginPath();
    pen.rect(MARGIN, SPACING, inner, inner);
    pen.clip();
    const size = codes.length > 2000 ? 1.6 : 2.3;
    for (let index = 0; index < codes.length; index += 2) {
      pen.fillStyle = labels ? colours[labels[index / 2]] : "#8a8a8a";
      pen.beginPath();
      pen.arc(toX(codes[index]), toY(codes[index + 1]), size, 0, 2 * Math.PI);
      pen.fill();
    }
    if (prior) {
      pen.strokeStyle = "#6e6e6e";
      pen.setLineDash([4, 4]);
      for (const radius of [1, 2, 3]) {
        pen.beginPath();
        pen.ellipse(toX(0), toY(0), (radius / span[0]) * inner, (radius / span[1]) * inner, 0, 0, 2 * Math.PI);
        pen.stroke();
      }
      pen.setLineDash([]);
    }
    nameClasses(pen);
    pen.restore();
    return page;
  }

  function nameClasses(pen) {
    pen.textAlign = "center";
    pen.font = `bold ${FONT}`;
    for (const [kind, right, up] of classNames) {
      const x = toX(right), y = toY(up);
      pen.fillStyle = "rgba(255, 255, 255, 0.92)";
      pen.strokeStyle = colours[kind];
      pen.lineWidth = 2;
      pen.beginPath();
      pen.rect(x - 9, y - 10, 18, 20);
      pen.fill();
      pen.stroke();
      pen.fillStyle = "#1a1a1a";
      pen.fillText(String(kind), x, y + 5);
    }
    pen.lineWidth = 1;
  }

  function drawWay(ends) {
    for (const [colour, width] of [["#ffffff", 6], ["#1a1a1a", 2]]) {
      context.strokeStyle = context.fillStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      for (const [x, y] of ends) context.lineTo(toX(x), toY(y));
      context.stroke();
      for (const [x, y] of ends) {
        context.beginPath();
        context.arc(toX(x), toY(y), 3 + width / 2, 0, 2 * Math.PI);
        context.fill();
      }
    }
  }

  const clamp = (value, axis) => Math.min(limits[axis][1], Math.max(limits[axis][0], value));
  const go = (x, y) => move(clamp(x, 0), clamp(y, 1));
  const follow = (event) => {
    const scale = SIDE / canvas.clientWidth; // narrower than SIDE on a small screen
    const right = (event.offsetX * scale - MARGIN) / inner, up = 1 - (event.offsetY * scale - SPACING) / inner;
    go(limits[0][0] + right * span[0], limits[1][0] + up * span[1]);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    follow(event);
  });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons & 1) follow(event); });
  canvas.addEventListener("keydown", (event) => {
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!direction) return;
    event.preventDefault();
    const steps = event.shiftKey ? 1 / 12 : 1 / 60;
    const [x, y] = [0, 1].map((axis) => clamp(point[axis] + direction[axis] * steps * span[axis], axis));
    go(x, y);
    spoken.textContent = `${names[0]} ${x.toFixed(1)}, ${names[1]} ${y.toFixed(1)}`;
  });

  return {
    figure: element("figure", { class: "vae-picture" }, element("figcaption", {}, "drag over the codes"), canvas, spoken),
    // The cross at (x, y); way: the two ends [x, y] of a line to draw below it, if there is one.
    draw(x, y, way = null) {
      [point[0], point[1]] = [x, y];
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.drawImage(ground, 0, 0);
      context.scale(ratio, ratio);
      if (way) drawWay(way);
      for (const [colour, width] of [["#ffffff", 7], ["#1a1a1a", 3]]) {
        context.strokeStyle = colour;
        context.lineWidth = width;
        context.beginPath();
        context.moveTo(toX(x) - 10, toY(y));
        context.lineTo(toX(x) + 10, toY(y));
        context.moveTo(toX(x), toY(y) - 10);
        context.lineTo(toX(x), toY(y) + 10);
        context.stroke();
      }
    },
  };
}

// 1, 2 or 5 times a power of ten, near the given length.
function niceStep(length) {
  const power = 10 ** Math.floor(Math.log10(length)), share = length / power;
  return power * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
}
