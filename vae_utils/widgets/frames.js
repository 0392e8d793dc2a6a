// The page of explorers whose every number and picture was computed before it is needed: the controls look them up.
import { board } from "./board.js";

export default {
  render: board((page) => () => {
    const late = page.late();
    for (const panel of Object.values(page.panels)) panel.figure.classList.toggle("vae-late", late.length > 0);
    if (late.length) return page.say(`${late.join(", ")}: the kernel is computing it …`);
    page.follow();
    page.say(page.note());
  }),
};
