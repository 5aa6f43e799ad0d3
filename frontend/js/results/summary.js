// What a run comes to, as results/index.json has it (echowall/results/index.py does the same, but
// leaves out the second instance of a yardstick).

/** @typedef {import("./model.js").Run} Run */
/** @typedef {import("./model.js").Index} Index */
/** @typedef {import("./model.js").Benched} Benched */

/** @param {Run} run @param {string} file by which the page knows it @returns {Index} */
export function summary(run, file) {
  /** @type {Index} */
  const index = { groups: {}, checks: [], conformance: [], steps: [], costs: [] };
  if (run.kind === "check") {
    for (const { id, group } of run.checks) (index.groups[group] ??= []).push(id);
    index.checks = run.targets.map(({ name, via, mends, results }) => ({
      file,
      name,
      via,
      mends,
      right: count(results, "pass"),
      wrong: results.filter(({ verdict }) => verdict === "fail").map(({ check }) => check),
      absent: results.filter(({ verdict }) => verdict === "unsupported").map(({ check }) => check),
      other: count(results, "undecided", "limit", "error"),
    }));
  } else if (run.kind === "conformance") {
    index.conformance = run.targets.map(({ name, via, mends, results }) => ({
      file,
      name,
      via,
      mends,
      right: count(results, "pass"),
      wrong: results.filter(({ verdict }) => verdict === "fail").map((one) => one.case),
      absent: count(results, "unsupported"),
      other: count(results, "undecided", "limit", "error"),
    }));
  } else {
    index.steps = run.steps;
    index.costs = run.targets.flatMap((target) => costs(target, file));
  }
  return index;
}

/** @param {{ verdict: string }[]} results @param {string[]} verdicts */
function count(results, ...verdicts) {
  return results.filter(({ verdict }) => verdicts.includes(verdict)).length;
}

/** @param {Benched} target @param {string} file */
function costs(target, file) {
  const name = label(target);
  return target.figures.map(({ step, rounds, throughput, latency, cpu, memory, socket_memory = null }) => ({
    file,
    name: target.name,
    label: name,
    plain: name === target.name,
    step,
    rounds,
    throughput,
    p50: latency?.p50 ?? null,
    p99: latency?.p99 ?? null,
    cpu,
    memory,
    socket_memory,
  }));
}

/** The name, and what tells it from others of that name. @param {Benched} target */
export function label({ name, via, mends, again, tuned, workers }) {
  const further = [
    via !== "direct" && via,
    mends === "off" && "bare",
    again && "again",
    tuned && "tuned",
    workers && `${workers} workers`,
  ].filter(Boolean);
  return further.length > 0 ? `${name} (${further.join(", ")})` : name;
}
