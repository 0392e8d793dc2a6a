// Nothing to see: gives the sliders of explorers their names for screen readers, whoever draws their pictures, and
// leaves keys to the control that has the focus.
import { keepKeys, keepNames } from "./page.js";

const kept = new WeakSet();

function keepKeysOf({ target }) {
  const controls = target.closest?.(".vae-controls") ?? target.closest?.(".widget-slider"); // in the learner's own box
  if (!controls || kept.has(controls)) return;
  kept.add(controls);
  keepKeys(controls);
}

export default {
  render() {
    const forget = keepNames();
    document.addEventListener("focusin", keepKeysOf);
    return () => {
      document.removeEventListener("focusin", keepKeysOf);
      forget();
    };
  },
};
