// anywidget (0.11) gives a page two seconds to start, and refuses for good what the kernel sends to one that was slower:
// a slow machine that opens a whole lesson is. Such a page gets back the handler of messages that ipywidgets wrote.
const NOTHING = { content: { data: { method: "nothing" } } };
const mended = new WeakSet();

// The model behind the one that anywidget hands out; an event brings it along.
function behind(model) {
  let found = null;
  const catchIt = (source) => { found = source; };
  model.on("change:hearing", catchIt);
  model.set("hearing", !model.get("hearing")); // no trait of the kernel's, which leaves alone what it does not know
  model.off("change:hearing", catchIt);
  return found;
}

// Call it when a page is shown.
export async function hear(model) {
  const own = behind(model);
  if (!own?.comm?.on_msg || !own._handle_comm_msg || mended.has(own)) return;
  const deaf = await Promise.resolve(NOTHING).then((message) => own._handle_comm_msg(message)).then(() => false, () => true);
  if (!deaf || mended.has(own)) return;
  mended.add(own);
  let kind = own;
  while (!Object.hasOwn(kind, "_handle_comm_msg")) kind = Object.getPrototypeOf(kind);
  const { _handle_comm_msg: handle } = Object.getPrototypeOf(kind);
  let before = { ...own.attributes };
  own.comm.on_msg((message) => {
    const { method, state } = message.content.data;
    if (before && method === "update" && "_model_name" in state) { // all traits: the answer to the question below
      for (const name of Object.keys(state)) // what changed since then is newer, a stroke on the pad for example
        if (own.attributes[name] !== before[name]) delete state[name];
      before = null;
    }
    return handle.call(own, message);
  });
  own.comm.send({ method: "request_state" }, {}); // what it missed
}
