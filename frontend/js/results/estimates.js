// Whether two targets of one benchmark differ at all, as echowall/bench/estimates.py has it: by the ratio within each
// round, with an interval by bootstrap and a sign test.

/** @typedef {{ ratio: number, low: number, high: number, rounds: number, distinguishable: boolean }} Ratio */

const DRAWS = 4000;
const LEVEL = 0.05;
// The expanded percentile, by how many rounds there are: Hesterberg, "What Teachers Should Know About the Bootstrap"
// (2015), section 4. It is Φ(−√(n/(n−1)) t), with t the 97.5th percentile of Student's t with n−1 degrees of freedom.
const TAILS = [0, 0, 0, 0, 0.000119, 0.000956, 0.002428, 0.004108, 0.005731, 0.007225, 0.008554, 0.009726, 0.010756];
const TAIL_OF_MANY = 0.0125;

/** @param {Map<number, number>} of values by round @param {Map<number, number>} other @returns {Ratio | null} */
export function ratioOf(of, other) {
  const ratios = [...of]
    .map(([round, value]) => [value, other.get(round) ?? 0])
    .filter(([value, with_]) => value > 0 && with_ > 0)
    .map(([value, with_]) => value / with_);
  if (ratios.length === 0) return null;
  const logs = ratios.map(Math.log);
  const [low, high] = interval(logs);
  const apart = (low > 1 || high < 1) && signTest(ratios) < LEVEL;
  return { ratio: Math.exp(mean(logs)), low, high, rounds: ratios.length, distinguishable: apart };
}

/** The geometric mean and its interval of 95 %. @param {number[]} values above 0 @returns {{ mean: number, low: number, high: number } | null} */
export function estimateOf(values) {
  if (values.length === 0) return null;
  const logs = values.map(Math.log);
  const [low, high] = interval(logs);
  return { mean: Math.exp(mean(logs)), low, high };
}

/** @param {number[]} logs @returns {[number, number]} the interval of their geometric mean */
function interval(logs) {
  const random = generator(1);
  const draw = () => mean(logs.map(() => logs[Math.floor(random() * logs.length)]));
  const means = Array.from({ length: logs.length > 1 ? DRAWS : 1 }, draw).sort((a, b) => a - b);
  const edge = Math.floor((TAILS[logs.length] ?? TAIL_OF_MANY) * (means.length - 1));
  return [Math.exp(means[edge]), Math.exp(means[means.length - 1 - edge])];
}

/** How likely so uneven a number above and below 1 is, where both are equally likely. @param {number[]} ratios */
function signTest(ratios) {
  const fewer = Math.min(ratios.filter((one) => one > 1).length, ratios.filter((one) => one < 1).length);
  let [ways, sum] = [1, 0];
  for (let number = 0; number <= fewer; number++) {
    sum += ways;
    ways = (ways * (ratios.length - number)) / (number + 1);
  }
  return Math.min(1, (2 * sum) / 2 ** ratios.length);
}

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;

/** The same numbers each time, so that a figure does not change when it is looked at again (mulberry32). @param {number} seed */
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
