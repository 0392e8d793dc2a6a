// ReparameterizationExplorer in the browser: samples z = mu + sigma * epsilon of frozen or of fresh noise, and f(z) = z^2.
import { board } from "./board.js";
import { minus } from "./chart.js";

const STEP = 0.1, REMEMBERED = 150; // between the dots of the trail when mu moves fast; dots that stay
const average = (all) => all.reduce((sum, each) => sum + each, 0) / all.length;
const squares = (all) => all.map((each) => each * each);

// The slope of the average of z^2: exact, measured with these and those noises a nudge apart, and along z = mu + sigma e.
export function slopes(mu, sigma, noise, nudged, nudge) {
  const z = noise.map((each) => mu + sigma * each), moved = nudged.map((each) => mu + nudge + sigma * each);
  return {
    exact: 2 * mu, measured: (average(squares(moved)) - average(squares(z))) / nudge, path: average(z.map((each) => 2 * each)),
  };
}

// A draw from the standard normal distribution (Box and Muller).
function drawNormal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

export default {
  render: board((page) => {
    const { curve, dice, averages } = page.panels, { nudge, colours, edge } = page.model.get("state");
    const across = Array.from({ length: 101 }, (_, index) => edge * (index / 50 - 1));
    let noise = page.model.get("state").noise, kept = noise, setting = "", visited = [];
    const fresh = () => Array.from(noise, drawNormal);
    const keep = (found) => { // the kernel learns of them, so that a static figure shows the same
      noise = found;
      page.model.set("state", { ...page.model.get("state"), noise });
      page.model.save_changes();
    };
    page.button("Roll the dice once", () => keep(fresh()));

    return () => {
      const mu = page.value("mu"), sigma = page.value("sigma"), jumps = page.value("fresh");
      if (kept !== page.model.get("state").noise) { // rolled, here or in the kernel
        kept = page.model.get("state").noise;
        noise = kept;
        visited = [];
      }
      if (setting !== `${sigma} ${jumps}`) {
        if (setting.endsWith("true") && !jumps) keep(noise); // frozen as they lie
        kept = page.model.get("state").noise;
        setting = `${sigma} ${jumps}`;
        visited = [];
      }
      const last = visited.length ? visited[visited.length - 1][0] : mu;
      const count = Math.max(1, Math.ceil(Math.abs(mu - last) / STEP - 1e-9));
      for (let number = 1; number <= count; number++) {
        const passed = last + (mu - last) * (number / count);
        if (jumps) noise = fresh();
        visited.push([passed, average(squares(noise.map((each) => passed + sigma * each)))]);
      }
      visited = visited.slice(-REMEMBERED);
      const z = noise.map((each) => mu + sigma * each), colour = jumps ? colours.fresh : colours.frozen;
      const triples = (rows) => rows.flatMap((row) => [...row, NaN]);
      curve.set("samples", { x: z, y: squares(z), colour });
      dice.set("threads", { x: triples(z.map((each, index) => [noise[index], each])), y: triples(z.map(() => [0, 1])) });
      dice.set("noise", { x: noise, y: z.map(() => 0) });
      dice.set("samples", { x: z, y: z.map(() => 1), colour });
      averages.set("exact", { x: across, y: across.map((each) => each * each + sigma * sigma) });
      averages.set("trail", { x: visited.map(([at]) => at), y: visited.map(([, found]) => found), colour });
      averages.set("now", { x: [mu], y: [visited[visited.length - 1][1]], colour });
      const found = slopes(mu, sigma, noise, jumps ? fresh() : noise, nudge), say = (number) => minus(number.toFixed(2));
      page.say(`Slope of the average at μ = ${say(mu)}: exact ${say(found.exact)}; measured by moving μ by ${nudge}: `
        + `${say(found.measured)}; gradient from PyTorch: ${jumps ? "none: sample() gave plain numbers" : say(found.path)}.`);
    };
  }),
};
