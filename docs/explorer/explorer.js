// The explorer without a kernel: the same decoders, planes and strips as in the notebooks, on a page of its own.
// docs/explorer.py puts this file, what it imports from vae_utils/widgets, and the weights into one HTML file.
import { makeDecoder, unpackHalf } from "./decoder.js";
import { eachFrame, element, makeStrip, openSheet, paint } from "./page.js";
import { makePlane } from "./plane.js";

const STRIP = 11, STEPS = 40, DRAWS = 12, FURTHEST = 6, SECONDS = 7, TEN_MS = 8, SPARE_MS = 4;
const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;,=>?@^_`{|}~"; // Python's, "," for "<"
const data = JSON.parse(document.getElementById("explorer-data").textContent);
const find = (selector, root = document) => root.querySelector(selector);
const decoders = {};

const frame = () => new Promise(requestAnimationFrame);
const shown = () => frame().then(frame); // what was drawn before is on the screen
// This script runs as soon as the browser has read as far as here: what follows may not be there yet.
const parsed = () => document.readyState !== "loading" || new Promise((done) => {
  addEventListener("DOMContentLoaded", done, { once: true });
});

// Work in pieces, as a generator, in the time that frames leave; ends early if it is no longer wanted.
async function spread(pieces, wanted) {
  for (let done = false; !done && wanted();) {
    await frame();
    for (const until = performance.now() + SPARE_MS; !done && performance.now() < until;) done = pieces.next().done;
  }
}

// ---- what the file carries -------------------------------------------------------------------------------------------

async function inflated(text) {
  const stream = new Blob([unlettered(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Five letters are a number in base 85, which is four bytes; the last group may be short of some of both. Written out,
// because a page that has just been opened runs its loops in the browser's slowest way.
function unlettered(text) {
  const value = new Uint8Array(128).fill(84), groups = Math.ceil(text.length / 5);
  for (let index = 0; index < LETTERS.length; index++) value[LETTERS.charCodeAt(index)] = index;
  const letters = new TextEncoder().encode(text.padEnd(5 * groups, "~")), numbers = new Uint32Array(groups);
  for (let group = 0, at = 0; group < groups; group++, at += 5) {
    const high = 7225 * value[letters[at]] + 85 * value[letters[at + 1]] + value[letters[at + 2]];
    const number = 7225 * high + 85 * value[letters[at + 3]] + value[letters[at + 4]];
    numbers[group] = (number >>> 24) | ((number >>> 8) & 0xff00) | ((number << 8) & 0xff0000) | (number << 24);
  }
  return new Uint8Array(numbers.buffer, 0, 4 * groups - (5 * groups - text.length));
}

// Numbers of 16 bits were stored as all their high bytes and then all their low ones, which pack better apart.
async function halves(text) {
  const planes = await inflated(text), count = planes.length / 2, numbers = new Uint16Array(count);
  for (let index = 0; index < count; index++) numbers[index] = (planes[index] << 8) | planes[count + index];
  return numbers.buffer;
}

async function openDecoder(name) {
  const weights = await halves(find(`#weights-${name}`).textContent);
  return (decoders[name] = makeDecoder(data.models[name].layers, weights));
}

async function planeOf(name, names, move) {
  const { codes, limits, classNames } = data.planes[name];
  return makePlane({
    codes: unpackHalf(await halves(codes)), labels: data.labels, colours: data.colours, limits, classNames, names,
    prior: true, move,
  });
}

// ---- one model that walks: a strip along the way, how large each step is, and where it stands ------------------------

function makeWalker(name, decoder, card) {
  const { height, width, latentDim } = decoder, code = new Float32Array(latentDim), other = new Float32Array(latentDim);
  const shown = find("canvas.decoded", card);
  shown.height = height;
  shown.width = width;
  const strip = makeStrip(STRIP, height, width, (place) => walker.goTo(place));
  const profile = find(".profile", card), step = find(".step", card);
  find(".strip", card).append(strip.figure);
  const codes = data.ends.codes[name];
  let from = codes[0], to = codes[1];
  const between = (place, into) => {
    for (let k = 0; k < latentDim; k++) into[k] = (1 - place) * from[k] + place * to[k];
    return into;
  };
  const walker = {
    code, latentDim, goTo: () => {},
    get way() { return [from, to]; },
    setOff(start, end) {
      [from, to] = [codes[start], codes[end]];
    },
    // What lies along the way: 52 pictures, one after the other.
    *survey(start, end) {
      strip.describe("", `the way from a ${data.ends.labels[start]} to a ${data.ends.labels[end]}`);
      for (let index = 0; index < STRIP; index++) {
        strip.drawOne(index, (place) => decoder.decode(between(place, other)));
        yield;
      }
      const steps = [];
      let before = null;
      for (let index = 0; index <= STEPS; index++) {
        const now = Float32Array.from(decoder.decode(between(index / STEPS, other)));
        if (before) steps.push(Math.sqrt(now.reduce((sum, pixel, at) => sum + (pixel - before[at]) ** 2, 0)));
        before = now;
        yield;
      }
      const mean = steps.reduce((sum, length) => sum + length, 0) / STEPS;
      const high = steps.map((length) => Math.min(FURTHEST, length / mean));
      const points = high.flatMap((share, index) => [`${index},${FURTHEST - share}`, `${index + 1},${FURTHEST - share}`]);
      find("path", profile).setAttribute("d", `M0,${FURTHEST} L${points.join(" L")} L${STEPS},${FURTHEST} Z`);
      step.textContent = (Math.max(...steps) / mean).toFixed(1);
      profile.setAttribute("aria-label", `Steps of this walk: the largest is ${step.textContent} times the mean`);
    },
    walk(place) {
      between(place, code);
      strip.mark(place);
    },
    draw() {
      paint(shown, decoder.decode(code), height, width);
    },
  };
  return walker;
}

// ---- a section in which two models walk the same way -----------------------------------------------------------------

async function makeWalk(section, names, opening) {
  const [slider, play, another] = ["input", ".play", ".another"].map((selector) => find(selector, section));
  const cards = [...section.querySelectorAll(".model")], thumbs = [...section.querySelectorAll(".end")];
  const unpacking = names.map(openDecoder), planning = names.map((name, index) => {
    const hole = find(".plane", cards[index]);
    return hole && planeOf(name, ["first number", "second number"], (x, y) => {
      pause();
      walkers[index].code.set([x, y]);
      request();
    }).then((plane) => {
      hole.append(plane.figure);
      return plane;
    });
  });
  const walkers = (await Promise.all(unpacking)).map((decoder, index) => makeWalker(names[index], decoder, cards[index]));
  const planes = await Promise.all(planning), sheet = await opening;
  let pair = data.ends.first, playing = 0, began = 0, surveyed = null;

  const request = eachFrame(() => {
    walkers.forEach((walker, index) => {
      walker.draw();
      planes[index]?.draw(walker.code[0], walker.code[1], walker.way);
    });
  }, section);
  const goTo = (place) => {
    slider.value = place;
    slider.setAttribute("aria-valuetext", `${Math.round(100 * place)} % of the way`);
    for (const walker of walkers) walker.walk(place);
    request();
  };
  const setOff = (chosen) => {
    pair = chosen;
    for (const walker of walkers) walker.setOff(...pair);
    pair.forEach((number, index) => {
      sheet.draw(thumbs[index], number);
      thumbs[index].setAttribute("aria-label", `a ${data.ends.labels[number]}`);
    });
    goTo(Number(slider.value));
    const along = walkers.map((walker) => walker.survey(...pair));
    surveyed = shown().then(async () => {
      for (const pieces of along) await spread(pieces, () => pair === chosen);
    });
  };
  const pause = () => {
    cancelAnimationFrame(playing);
    playing = 0;
    play.textContent = "▶ Walk";
  };
  const walkOn = (now) => {
    began ||= now;
    const turn = ((now - began) / 1000 / SECONDS) % 2;
    goTo((1 - Math.cos(Math.PI * turn)) / 2); // slow at the ends
    playing = requestAnimationFrame(walkOn);
  };
  const start = () => {
    const place = Number(slider.value);
    began = performance.now() - (1000 * SECONDS * Math.acos(1 - 2 * place)) / Math.PI;
    play.textContent = "■ Stop";
    playing = requestAnimationFrame(walkOn);
  };
  slider.addEventListener("input", () => {
    pause();
    goTo(Number(slider.value));
  });
  play.addEventListener("click", () => (playing ? pause() : start()));
  another.addEventListener("click", () => {
    const count = data.ends.labels.length, first = Math.floor(count * Math.random());
    const others = [...data.ends.labels.keys()].filter((number) => data.ends.labels[number] !== data.ends.labels[first]);
    setOff([first, others[Math.floor(others.length * Math.random())]]);
  });
  for (const walker of walkers)
    walker.goTo = (place) => {
      pause();
      goTo(place);
    };
  setOff(pair);
  return { start, pause, walkers, goTo, get playing() { return playing !== 0; }, get surveyed() { return surveyed; } };
}

// ---- draws from the prior --------------------------------------------------------------------------------------------

function makeDraws(section, names) {
  const boards = [...section.querySelectorAll(".draws")];
  const canvases = boards.map((board) => Array.from({ length: DRAWS }, () => {
    const canvas = element("canvas", { class: "vae-pixels", "aria-hidden": "true", height: 28, width: 28 });
    board.append(canvas);
    return canvas;
  }));
  const draw = () => {
    const { latentDim } = decoders[names[0]];
    for (let index = 0; index < DRAWS; index++) {
      const code = Float32Array.from({ length: latentDim }, gaussian); // the same code for both
      names.forEach((name, side) => {
        const { height, width } = decoders[name];
        paint(canvases[side][index], decoders[name].decode(code), height, width);
      });
    }
  };
  find(".redraw", section).addEventListener("click", () => {
    draw();
    reveal(section);
  });
}

// A draw from the standard normal distribution (Box and Muller).
function gaussian() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

// ---- ten digits in one style -----------------------------------------------------------------------------------------

async function makeStyles(section) {
  const decoder = await openDecoder("cvae"), { height, width, latentDim } = decoder;
  const { dims } = data.planes.cvae, size = latentDim - data.classes, input = new Float32Array(latentDim);
  const canvases = Array.from({ length: data.classes }, (_, kind) => {
    const canvas = element("canvas", { class: "vae-pixels", role: "img", "aria-label": `a ${kind}`, height, width });
    find(".ten", section).append(canvas);
    return canvas;
  });
  // Ten pictures take longer than a frame lasts: those that fit are drawn, and the others in the frames that follow.
  let next = 0, left = 0;
  const request = eachFrame(() => {
    plane.draw(input[dims[0]], input[dims[1]]);
    for (const until = performance.now() + TEN_MS; left && performance.now() < until; left--) {
      input.fill(0, size);
      input[size + next] = 1;
      paint(canvases[next], decoder.decode(input), height, width);
      next = (next + 1) % data.classes;
    }
    if (left) request();
  }, section);
  const changed = () => {
    left = data.classes;
    request();
  };
  const plane = await planeOf("cvae", dims.map((dim) => `z[${dim}]`), (x, y) => {
    [input[dims[0]], input[dims[1]]] = [x, y];
    changed();
  });
  find(".plane", section).append(plane.figure);
  find(".redraw", section).addEventListener("click", () => {
    for (let k = 0; k < size; k++) input[k] = gaussian();
    changed();
  });
  changed();
  return { input, get left() { return left; } };
}

// ---- the question ----------------------------------------------------------------------------------------------------

function makeQuestion(section, walk) {
  const buttons = [...section.querySelectorAll(".answer")];
  for (const button of buttons)
    button.addEventListener("click", () => {
      const verdict = find(".verdict", section);
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
      verdict.replaceChildren(element("strong", {}, button.value === "B" ? "Yes, B. " : "It is B. "),
        find(".reason", section).content.cloneNode(true));
      walk.pause();
      reveal(section);
    });
}

// What a section shows only once its question was met.
function reveal(section) {
  for (const hidden of section.querySelectorAll("[data-after]")) hidden.hidden = false;
}

async function start() {
  globalThis.explorer = { decoders, data }; // for the tests, and for whoever opens the browser's console
  const opening = inflated(data.ends.sheet).then((png) => openSheet(png, data.ends.labels.length, 28, 28));
  const two = find("#two"), walk = await makeWalk(two, ["ae2", "vae2"], opening);
  makeQuestion(two, walk);
  Object.assign(globalThis.explorer, { two: walk });
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
    walk.start();
    // The visitor takes over with the first touch; the button Stop does so by itself.
    const takeOver = (event) => { if (!event.target.closest?.(".play")) walk.pause(); };
    for (const happening of ["pointerdown", "keydown"]) addEventListener(happening, takeOver, { once: true, capture: true });
  }
  await shown();
  document.documentElement.dataset.ready = performance.now().toFixed(1); // when the first pictures were on the screen
  await walk.surveyed; // what lies along their ways comes before the other sections
  await parsed();
  const sixteen = find("#sixteen");
  globalThis.explorer.sixteen = await makeWalk(sixteen, ["ae16", "vae16"], opening);
  makeDraws(sixteen, ["ae16", "vae16"]);
  await frame();
  globalThis.explorer.styles = await makeStyles(find("#style"));
  await globalThis.explorer.sixteen.surveyed;
  await shown();
  document.documentElement.dataset.complete = "";
}

start().catch(async (problem) => {
  await parsed();
  const message = find("#problem");
  message.textContent = `This page could not start. ${problem}. It needs a browser of 2023 or later.`;
  message.hidden = false;
});
