// Runs that never took place, as a file of `--json` has them.

export const FACTS = {
  schema: 2,
  id: "20261129T120000Z-0123456",
  began: "2026-11-29T12:00:00Z",
  ended: "2026-11-29T12:01:00Z",
  commit: "0123456789abcdef0123456789abcdef01234567",
  clean: true,
  engine: "processes",
  machine: { system: "Linux 6.12", processor: "A processor", cores: 2, python: "3.11.2" },
};

/** @param {string} name @param {object} facts */
export const target = (name, facts = {}) => ({
  name,
  url: "ws://127.0.0.1:8000/foobar/",
  via: "direct",
  versions: { python: "3.13.5" },
  limits: { max_message: null, ping_interval: 20 },
  mends: "on",
  ...facts,
});

/** @param {Record<string, string>} verdicts by check @param {object} facts */
export const examined = (verdicts, facts = {}) =>
  target("alpha", {
    results: Object.entries(verdicts).map(([check, verdict]) => ({
      check,
      verdict,
      outcome: "echo",
      detail: "",
      seconds: 0,
    })),
    ...facts,
  });

/** @param {object[]} targets @returns {any} */
export const checkRun = (...targets) => ({
  kind: "check",
  ...FACTS,
  checks: ["text", "close-code"].map((id) => ({
    id,
    group: id === "text" ? "messages" : "closing",
    section: "RFC 6455, 5.6",
    question: "Is it?",
    expects: ["echo"],
  })),
  targets,
});
