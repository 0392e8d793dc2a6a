// ToyExplorer in the browser: prior, likelihood, posterior and marginal of the exact toy, for an x, a sigma and a curve.
import { board } from "./board.js";
import { minus } from "./chart.js";
import { makeToy } from "./exact_toy.js";

const fixed = (number, digits = 2) => minus(number.toFixed(digits));

export default {
  render: board((page) => {
    const grid = page.table("grid"), decoded = page.table("decoded"), { edge, heights } = page.model.get("state");
    const shown = [...grid.keys()].filter((index) => Math.abs(grid[index]) <= edge && index % 3 === 0);
    const codes = shown.map((index) => grid[index]), xs = page.table("xs"), { decoder, marginal, bayes } = page.panels;
    const values = (all) => shown.map((index) => all[index]);
    let toy = null, made = "";
    return () => {
      const x = page.value("x"), noise = page.value("noise"), curve = page.controls.curve.get("index");
      if (made !== `${noise} ${curve}`) { // p(x) as a curve does not depend on the x observed
        made = `${noise} ${curve}`;
        const mean = decoded.subarray(curve * grid.length, (curve + 1) * grid.length), seen = values(mean);
        toy = makeToy(grid, mean, noise);
        decoder.set("curve", { x: codes, y: seen });
        decoder.set("band", { x: codes, low: seen.map((y) => y - noise), high: seen.map((y) => y + noise) });
        const density = toy.marginal(xs);
        marginal.limits("x", 0, 1.1 * Math.max(...density));
        marginal.set("marginal", { x: density, y: xs });
      }
      const found = toy.solve(x), posterior = values(found.posterior), peak = Math.max(...posterior);
      const mean = values(decoded.subarray(curve * grid.length, (curve + 1) * grid.length));
      const misfit = mean.map((y) => ((x - y) / noise) ** 2), least = Math.min(...misfit);
      decoder.set("x", { at: x });
      marginal.set("x", { at: x });
      bayes.limits("y", 0, heights.find((height) => height > 1.02 * peak) ?? 1.1 * peak);
      bayes.set("posterior", { x: codes, y: posterior });
      bayes.set("likelihood", { x: codes, y: misfit.map((each) => peak * Math.exp(-0.5 * (each - least))) });
      page.say(account(found));
    };
  }),
};

function account({ logMarginal, mean, deviation, logNeeded }) {
  const needed = logNeeded < 14
    ? Math.exp(logNeeded).toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 })
    : `10^${(logNeeded / Math.LN10).toFixed(0)}`;
  return `log p(x) = ${fixed(logMarginal)} nats. Posterior: mean ${fixed(mean)}, standard deviation ${fixed(deviation)}. `
    + `One in ${needed} draws from the prior is useful.`;
}
