// Who is compared: the stacks of the catalog with the newest that is known of each, and what the user has added.

/** @typedef {import("./model.js").Answers} Answers */
/** @typedef {import("./model.js").Cases} Cases */
/** @typedef {import("./model.js").Cost} Cost */
/** @typedef {import("./model.js").Step} Step */
/** @typedef {import("./model.js").Index} Index */
/** @typedef {import("./results.js").Own} Own */
/** @typedef {import("../shared/catalog.js").Service} Service */
/**
 * @typedef {object} Subject
 * @property {string} key
 * @property {string} title
 * @property {Service | null} service null for an endpoint that is none of the catalog's
 * @property {string} own the name of the file that the user has added; empty for what is published
 * @property {Answers[]} on as it runs in the lab, by each route
 * @property {Answers | null} bare with its mends off
 * @property {Cases | null} cases
 * @property {Cost[]} costs
 */

/** @param {Service[]} services @param {Index} index @param {Own[]} own @returns {Subject[]} the user's own first */
export function subjects(services, index, own) {
  const published = services.map((service) => subjectOf(service.name, service.title, service, "", index));
  return [...own.flatMap((one) => ownSubjects(one, services)), ...published];
}

/** @param {Own} own @param {Service[]} services @returns {Subject[]} */
function ownSubjects({ file, name: fileName, index }, services) {
  const names = new Set([...index.checks, ...index.conformance].map(({ name }) => name));
  const found = [...names].map((name) => {
    const service = services.find((one) => one.name === name) ?? null;
    return { ...subjectOf(name, service?.title ?? name, service, fileName, index), key: `${file}/${name}` };
  });
  for (const label of new Set(index.costs.map((cost) => cost.label))) {
    const costs = index.costs.filter((cost) => cost.label === label);
    const service = services.find((one) => one.name === costs[0].name) ?? null;
    const title = service ? label.replace(service.name, service.title) : label;
    found.push({ ...nothing(title, service, fileName), key: `${file}/${label}`, costs });
  }
  return found;
}

/** @param {string} title @param {Service | null} service @param {string} own @returns {Subject} */
function nothing(title, service, own) {
  return { key: service?.name ?? title, title, service, own, on: [], bare: null, cases: null, costs: [] };
}

/** @param {string} name @param {string} title @param {Service | null} service @param {string} own @param {Index} index @returns {Subject} */
function subjectOf(name, title, service, own, index) {
  const isIt = (/** @type {{ name: string }} */ one) => one.name === name;
  const cases = index.conformance.filter(isIt);
  return {
    ...nothing(title, service, own),
    on: index.checks.filter((one) => isIt(one) && one.mends !== "off"),
    bare: index.checks.find((one) => isIt(one) && one.mends === "off") ?? null,
    cases: cases.find(({ via, mends }) => via !== "proxy" && mends !== "off") ?? (own ? (cases[0] ?? null) : null),
    costs: own ? [] : index.costs.filter((one) => isIt(one) && one.plain),
  };
}

/** The checks that it fails as it runs, by whatever route. @param {Subject} subject @returns {Set<string>} */
export function wrong({ on, bare }) {
  return new Set((on.length > 0 ? on : bare ? [bare] : []).flatMap((one) => one.wrong));
}

/** The checks that it passes as it runs, and fails with its mends off. @param {Subject} subject @returns {Set<string>} */
export function mended(subject) {
  const bad = wrong(subject);
  return new Set(subject.on.length > 0 ? subject.bare?.wrong.filter((check) => !bad.has(check)) : []);
}

/** Whether it was asked at all. @param {Subject} subject */
export function wasAsked({ on, bare }) {
  return on.length > 0 || bare !== null;
}

/** How many answers were right or wrong, by the route on which most were. @param {Subject} subject */
export function answered({ on, bare }) {
  return Math.max(0, ...[...on, ...(bare ? [bare] : [])].map((one) => one.right + one.wrong.length));
}
