// Nothing to see: gives the sliders of explorers their names for screen readers, whoever draws their pictures, and
// leaves keys to the control that has the focus.
import { keepNames } from "./page.js";

const kept = new WeakSet();

// Without this, arrows in a menu would go to another cell of the notebook, and two d's would delete this one.
function keepKeys({ target }) {
  const controls = target.closest?.(".vae-controls");
  if (!controls || kept.has(controls)) return;
  kept.add(controls);
  controls.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  });
}

export default {
  render() {
    const forget = keepNames();
    document.addEventListener("focusin", keepKeys);
    return () => {
      document.removeEventListener("focusin", keepKeys);
      forget();
    };
  },
};
