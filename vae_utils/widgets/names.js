// Nothing to see: gives the sliders of explorers their names for screen readers, whoever draws their pictures.
import { keepNames } from "./page.js";

export default { render: () => keepNames() };
