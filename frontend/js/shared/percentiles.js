// Round-trip times summed up.

/**
 * Percentiles by nearest rank: the smallest value that so many of all are not above.
 * @param {number[]} values milliseconds, at least one
 */
export function summarise(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const percentile = (/** @type {number} */ p) => sorted[Math.ceil((p / 100) * sorted.length) - 1];
  return {
    last: values[values.length - 1],
    p50: percentile(50),
    p95: percentile(95),
    longest: sorted[sorted.length - 1],
    count: values.length,
  };
}
