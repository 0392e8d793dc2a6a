// The exact toy in the browser (vae_utils/toy.py says what it is): Bayes' rule and the ELBO on a grid of codes that Python sends.
//
// grid: codes at equal distances; decoded: f(z) there. Sums over the grid stand for integrals; all numbers are in nats.
const LOG_2PI = Math.log(2 * Math.PI), NEGLIGIBLE = 40; // nats below the peak: e^-40 changes no sum

export function makeToy(grid, decoded, noise) {
  const spacing = (grid[grid.length - 1] - grid[0]) / (grid.length - 1), logJoint = new Float64Array(grid.length);
  const logPrior = (z) => -0.5 * (LOG_2PI + z * z);
  const logLikelihood = (x, index) => -0.5 * (LOG_2PI + ((x - decoded[index]) / noise) ** 2) - Math.log(noise);

  // log p(x), the posterior density on the grid with its mean and standard deviation, and 1 / (the share of the prior's
  // draws that is useful): the integral of p(z|x)^2 / p(z), as a logarithm.
  function solve(x) {
    let peak = -Infinity;
    for (let index = 0; index < grid.length; index++) {
      logJoint[index] = logPrior(grid[index]) + logLikelihood(x, index);
      peak = Math.max(peak, logJoint[index]);
    }
    const posterior = new Float64Array(grid.length);
    let sum = 0, first = 0, second = 0, highest = -Infinity;
    for (let index = 0; index < grid.length; index++) {
      const below = logJoint[index] - peak;
      if (below < -NEGLIGIBLE) continue;
      posterior[index] = Math.exp(below);
      sum += posterior[index];
      first += posterior[index] * grid[index];
      second += posterior[index] * grid[index] ** 2;
      highest = Math.max(highest, 2 * logJoint[index] - logPrior(grid[index]));
    }
    let useful = 0;
    for (let index = 0; index < grid.length; index++) {
      if (posterior[index]) useful += Math.exp(2 * logJoint[index] - logPrior(grid[index]) - highest);
      posterior[index] /= sum * spacing;
    }
    const logMarginal = peak + Math.log(sum * spacing), mean = first / sum;
    return {
      posterior, logMarginal, mean, deviation: Math.sqrt(second / sum - mean * mean),
      logNeeded: highest + Math.log(useful * spacing) - 2 * logMarginal,
    };
  }

  // p(x) at equally spaced xs. Eight codes a width of noise or prior are as good as exact (vae_utils/toy.py); a code counts where
  // its x can be, within nine widths of the noise.
  function marginal(xs) {
    const stride = Math.max(1, Math.floor(Math.min(noise, 1) / 8 / spacing + 1e-6)), density = new Float64Array(xs.length);
    const step = (xs[xs.length - 1] - xs[0]) / (xs.length - 1), top = 1 / (noise * Math.sqrt(2 * Math.PI));
    for (let index = 0; index < grid.length; index += stride) {
      const prior = Math.exp(logPrior(grid[index])) * spacing * stride;
      const from = Math.max(0, Math.ceil((decoded[index] - 9 * noise - xs[0]) / step));
      const to = Math.min(xs.length - 1, Math.floor((decoded[index] + 9 * noise - xs[0]) / step));
      for (let at = from; at <= to; at++) density[at] += prior * top * Math.exp(-0.5 * ((xs[at] - decoded[index]) / noise) ** 2);
    }
    return density;
  }

  // E_q[log p(x|z)] of q = N(mu, e^logvar): with `points` codes a standard deviation, or all of the grid's.
  function reconstruction(x, mu, logvar, points = Infinity) {
    const sigma = Math.exp(0.5 * logvar), stride = Math.max(1, Math.round(sigma / points / spacing));
    const from = Math.max(0, Math.ceil((mu - 8.5 * sigma - grid[0]) / spacing));
    const to = Math.min(grid.length - 1, Math.floor((mu + 8.5 * sigma - grid[0]) / spacing));
    let sum = 0, weights = 0;
    for (let index = from; index <= to; index += stride) {
      const weight = Math.exp(-0.5 * ((grid[index] - mu) / sigma) ** 2);
      sum += weight * logLikelihood(x, index);
      weights += weight;
    }
    return sum / weights;
  }

  // The q with the highest ELBO, on a table that is made finer twice.
  function best(x, muEnds, logvarEnds) {
    const search = ([low, high], [narrow, wide], found = { elbo: -Infinity }) => {
      for (let row = 0; row <= 60; row++)
        for (let column = 0; column <= 60; column++) {
          const mu = low + (row / 60) * (high - low), logvar = narrow + (column / 60) * (wide - narrow);
          const elbo = reconstruction(x, mu, logvar, 6) - klToPrior(mu, logvar);
          if (elbo > found.elbo) found = { elbo, mu, logvar };
        }
      return found;
    };
    const around = (at, reach, [low, high]) => [Math.max(low, at - reach), Math.min(high, at + reach)];
    let found = search(muEnds, logvarEnds);
    for (const reach of [0.15, 0.015])
      found = search(around(found.mu, reach, muEnds), around(found.logvar, reach, logvarEnds));
    return found;
  }
  return { spacing, solve, marginal, reconstruction, best };
}

// KL( N(mu, e^logvar) || N(0, 1) ).
export function klToPrior(mu, logvar) {
  return 0.5 * (mu * mu + Math.exp(logvar) - 1 - logvar);
}

// The density of N(mu, sigma^2) at each z.
export function normal(z, mu, sigma) {
  const top = 1 / (sigma * Math.sqrt(2 * Math.PI));
  return Float64Array.from(z, (each) => top * Math.exp(-0.5 * ((each - mu) / sigma) ** 2));
}
