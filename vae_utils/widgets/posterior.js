// PosteriorExplorer in the browser: a Gaussian q over the exact posterior, and the ledger of its ELBO.
import { board } from "./board.js";
import { minus } from "./chart.js";
import { setSlider } from "./page.js";
import { klToPrior, makeToy, normal } from "./exact_toy.js";

const BAR = 0.31; // half of a bar's width
const digits = (number) => minus(number.toFixed(2));

export default {
  render: board((page) => {
    const grid = page.table("grid"), decoded = page.table("decoded"), { mu, logvar } = page.controls;
    const { noise, edge, floors, begin } = page.model.get("state"), { densities, ledger } = page.panels;
    const shown = [...grid.keys()].filter((index) => Math.abs(grid[index]) <= edge && index % 3 === 0);
    const codes = shown.map((index) => grid[index]), ends = (slider) => [slider.get("min"), slider.get("max")];
    const toys = page.controls.curve.get("_options_labels").map((_, curve) =>
      makeToy(grid, decoded.subarray(curve * grid.length, (curve + 1) * grid.length), noise));
    const move = (to) => {
      setSlider(mu, to.mu);
      setSlider(logvar, to.logvar);
    };
    const toy = () => toys[page.controls.curve.get("index")];
    page.button("Best q", () => move(toy().best(page.value("x"), ends(mu), ends(logvar))));
    page.button("q = prior", () => move(begin));
    let made = "", found = null;
    return () => {
      const x = page.value("x"), at = page.value("mu"), log = page.value("logvar"), sigma = Math.exp(0.5 * log);
      if (made !== `${x} ${page.controls.curve.get("index")}`) {
        made = `${x} ${page.controls.curve.get("index")}`;
        found = toy().solve(x);
        const posterior = shown.map((index) => found.posterior[index]);
        densities.limits("y", 0, 1.7 * Math.max(0.45, ...posterior));
        densities.set("posterior", { x: codes, y: posterior });
      }
      densities.set("q", { x: codes, y: normal(codes, at, sigma) });
      const reconstruction = toy().reconstruction(x, at, log), kl = klToPrior(at, log), elbo = reconstruction - kl;
      const exact = found.logMarginal, gap = Math.max(0, exact - elbo);
      balance(ledger, floors, reconstruction, kl, elbo, gap, exact);
      page.say(`ELBO ${digits(elbo)} nats, ${digits(gap)} below log p(x) = ${digits(exact)}. `
        + `Reconstruction ${digits(reconstruction)}, KL to the prior ${digits(kl)}. σ of q: ${digits(sigma)}.`);
    };
  }),
};

// Three bars, each from where the one before ended: reconstruction, minus the KL to the prior, plus the gap.
function balance(ledger, floors, reconstruction, kl, elbo, gap, exact) {
  const lowest = Math.min(0, reconstruction, elbo, exact), floor = -(floors.find((each) => each > -1.12 * lowest) ?? -lowest);
  const top = Math.max(0, reconstruction, exact), ends = [[0, reconstruction], [reconstruction, elbo], [elbo, elbo + gap]];
  ledger.limits("y", floor, top + 0.14 * (top - floor));
  const texts = [digits(reconstruction), kl < 0.005 ? digits(kl) : `−${digits(kl)}`, gap < 0.005 ? digits(gap) : `+${digits(gap)}`];
  ["reconstruction", "kl", "gap"].forEach((name, bar) => {
    const [low, high] = [Math.min(...ends[bar]), Math.max(...ends[bar])];
    ledger.set(name, { left: [bar - BAR], right: [bar + BAR], low: [low], high: [high] });
  });
  ledger.set("numbers", { x: [0, 1, 2], y: ends.map((pair) => Math.max(...pair)), text: texts });
  ledger.set("steps", { x: [-BAR, 1 + BAR, NaN, 1 - BAR, 2 + BAR], y: [reconstruction, reconstruction, NaN, elbo, elbo] });
  ledger.set("exact", { at: exact });
  ledger.set("above", { x: [2.4], y: [exact], text: [`log p(x)\n${digits(exact)}`] });
  ledger.set("below", { x: [2.4], y: [elbo], text: [`ELBO\n${digits(elbo)}`] });
}
