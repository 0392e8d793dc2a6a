// What the pages with charts share: panels, tables of numbers that the controls look up, the line below, the buttons.
//
//   export default { render: board((page) => { ...once...; return () => { ...each time a control moves... }; }) };
import { makeChart } from "./chart.js";
import { hear } from "./hearing.js";
import { eachFrame, element, enter, floats, keepNames, linked, listeners, openSheet, write } from "./page.js";

const GAP = 2, QUIET = 500; // pixels between pictures; milliseconds without a move until the line is read out

export function board(setup) {
  return async ({ model, el }) => {
    void hear(model);
    const { alt, title, panels, names, note, columns, layout } = model.get("settings");
    const widgets = await linked(model, "sliders"), controls = Object.fromEntries(names.map((name, i) => [name, widgets[i]]));
    let numbers = floats(model.get("numbers")), tables = model.get("tables"), version = 0, sheet = null;
    const open = async () => {
      const [height, width] = tables.pixels ?? [1, 1], mine = ++version;
      const [bytes, found, described] = [model.get("sheet"), floats(model.get("numbers")), model.get("tables")];
      const opened = await openSheet(bytes, columns, height, width);
      if (mine !== version) return opened.close(); // a later one has been sent meanwhile
      sheet?.close();
      [sheet, numbers, tables] = [opened, found, described];
    };
    await open();

    // ---- what the controls say ----
    const value = (name) => controls[name].get("value");
    // The place of a control among the values that it can have.
    const placeOf = (name) => {
      const control = controls[name], index = control.get("index");
      if (index !== undefined) return index;
      if (typeof control.get("value") === "boolean") return Number(control.get("value"));
      return Math.round((control.get("value") - control.get("min")) / (control.get("step") ?? 1));
    };
    // Where in a table what the controls ask for begins, in entries.
    const entry = ({ by, shape }) => by.reduce((row, name, axis) => row * shape[axis] + placeOf(name), 0);
    const table = (name) => {
      const found = tables[name], row = entry(found);
      return found.texts ? found.texts[row] : numbers.subarray(found.start + row * found.size, found.start + (row + 1) * found.size);
    };

    // ---- what is on the page ----
    const tools = element("div", { class: "vae-tools", role: "group", "aria-label": "Buttons" });
    const row = element("div", { class: "vae-panels" }), shown = {};
    if (layout) row.style.gridTemplateColumns = layout;
    else row.classList.add("vae-flow");
    for (const spec of panels) {
      const made = spec.kind === "pictures"
        ? makePictures(spec, tables.pixels, (...given) => sheet.draw(...given)) : makeChart(withoutTables(spec));
      if (spec.span) made.figure.style.gridRow = `span ${spec.span}`;
      shown[spec.name] = made;
      row.append(made.figure);
    }
    const line = element("p", { class: "vae-note" }), spoken = element("div", { class: "vae-unseen", role: "status" });
    enter(el, alt);
    if (title) el.append(element("p", { class: "vae-title" }, title));
    el.append(tools, row, line, spoken);
    let quiet = 0;
    const say = (text) => {
      write(line, text);
      clearTimeout(quiet);
      quiet = setTimeout(() => { spoken.textContent = text; }, QUIET);
    };

    // What of each panel comes from a table: set anew where another entry is asked for.
    const keys = new Map();
    const follow = () => {
      for (const panel of panels)
        for (const [index, mark] of panel.marks.entries()) {
          const from = Object.entries(mark).filter(([, given]) => given?.table);
          if (!from.length) continue;
          const key = `${version} ${from.map(([, given]) => entry(tables[given.table]))}`, which = mark.name || String(index);
          if (keys.get(mark) === key) continue;
          keys.set(mark, key);
          shown[panel.name].set(which, Object.fromEntries(from.map(([field, given]) => {
            const found = table(given.table);
            return [field, given.single && typeof found !== "string" ? found[0] : found];
          })));
        }
      for (const panel of panels)
        for (const axis of ["x", "y"]) {
          const limits = panel.limits?.[axis];
          if (!limits) continue;
          const [low, high] = table(limits.limits.table);
          shown[panel.name].limits(axis, low, high, limits.label ? { label: table(limits.label.table) } : {});
        }
    };
    // The controls whose value the kernel has not answered yet.
    const late = () => Object.entries(tables.asked ?? {}).filter(([name, answered]) => value(name) !== answered)
      .map(([name]) => `${controls[name].get("description")} ${value(name)}`);

    const page = {
      model, controls, panels: shown, value, table, say, follow, late,
      note: () => note.map((part) => part.table ? table(part.table) : part).join(""),
      button(text, pressed) {
        const made = element("button", { type: "button" }, text);
        made.addEventListener("click", () => request.together(pressed));
        tools.append(made);
      },
      together: (action) => request.together(action), // what it changes is drawn once
    };
    let draw = () => {};
    const request = eachFrame(() => draw(), el), on = listeners();
    draw = setup(page);
    for (const control of widgets) on(control, "change:value change:index", request);
    on(model, "change:tables change:numbers change:sheet", () => open().then(request));
    on(model, "change:state", request);
    request();
    const unname = keepNames();
    return () => {
      on.off();
      request.cancel();
      clearTimeout(quiet);
      sheet?.close();
      unname();
    };
  };
}

// A chart whose marks have no points where a table will give them.
function withoutTables(spec) {
  const marks = spec.marks.map((mark) =>
    Object.fromEntries(Object.entries(mark).map(([field, given]) => [field, given?.table ? [] : given])));
  return { ...spec, marks };
}

// Pictures of the sheet side by side, chosen by number.
function makePictures({ caption, alt, rows, across, zoom }, [height, width], paste) {
  const canvas = element("canvas", { class: "vae-pixels", role: "img", "aria-label": alt || caption });
  canvas.width = across * (width + GAP) - GAP;
  canvas.height = rows * (height + GAP) - GAP;
  canvas.style.width = `${zoom * canvas.width}px`;
  const heading = element("figcaption", {}, caption);
  return {
    canvas,
    figure: element("figure", { class: "vae-picture" }, heading, canvas),
    set: (_, { show }) => show.forEach((number, index) =>
      paste(canvas, number, (index % across) * (width + GAP), Math.floor(index / across) * (height + GAP))),
  };
}
