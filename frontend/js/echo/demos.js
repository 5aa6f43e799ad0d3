// The guided demonstrations: which stacks earn each, by the catalog, and how the page plays it in its two panes.

/** @typedef {import("../shared/catalog.js").Service} Service */
/** @typedef {import("../shared/catalog.js").Deviation} Deviation */
/** @typedef {import("../shared/target.js").Selection} Selection */
/** @typedef {import("../i18n/i18n.js").Message} Message */
/** @typedef {import("./log.js").Entry} Entry */
/**
 * What a demonstration plays on. Each of these rejects when the demonstration is stopped.
 * @typedef {object} Stage
 * @property {(step: string, params?: Message["params"]) => void} say tells what happens
 * @property {() => Promise<void>} connect connects both panes; rejects if they do not connect in time
 * @property {(pane: 0 | 1, message: string) => void} send
 * @property {(pane: 0 | 1) => Promise<void>} leave closes the connection of a pane, with 1000
 * @property {(pane: 0 | 1) => Entry[]} received the messages that came to a pane
 * @property {(done: () => boolean, most: number) => Promise<boolean>} until whether that came true, within so many milliseconds
 * @property {(milliseconds: number) => Promise<void>} pause
 * @property {() => Promise<string>} get what a plain GET of the left pane's address answers
 */
/**
 * @typedef {object} Demo
 * @property {string} id
 * @property {(service: Service) => Deviation | null} known the deviation that earns it, of a stack's own
 * @property {boolean} naive whether the naive handler of the stack earns it
 * @property {(stage: Stage) => Promise<Message["params"]>} play resolves with what was seen, for the last sentence
 */
/** @typedef {{ demo: Demo, service: Service, known: Deviation | null }} Casting a demonstration, and the stack that gives it */

const IDLE = 11_000; // milliseconds in which something that comes every 5 s has come twice
const FROZEN = 15_000; // and in which a server that was frozen for 2 s is back, however busy the machine
const TICK = 100;

/** @param {string} shows what the naive handler shows, by the catalog @param {Demo["play"]} play @returns {Demo} */
const byNaive = (shows, play) => ({ id: shows, naive: true, known: () => null, play });

/** What a browser cannot do: the kept frames show it. @param {string} check @returns {Demo} */
const byRecord = (check) => ({
  id: check,
  naive: false,
  known: ({ known }) => known.find(({ checks, via }) => checks.includes(check) && via !== "direct") ?? null,
  play: async (stage) => {
    stage.say("recorded");
    return {};
  },
});

/** @type {Demo[]} */
export const DEMOS = [
  byNaive("phantom-messages", async (stage) => {
    await stage.connect();
    stage.say("oneMessage");
    for (const pane of /** @type {const} */ ([0, 1])) stage.send(pane, "Did I say more than this?");
    await stage.until(() => stage.received(0).length >= 3, IDLE);
    return { left: stage.received(0).length, right: stage.received(1).length };
  }),
  byNaive("frozen-server", async (stage) => {
    await stage.connect();
    stage.say("ticking");
    let longest = 0;
    let last = performance.now();
    let heard = 0;
    const listen = () => {
      const count = stage.received(1).length;
      if (count === heard) return false;
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      heard = count;
      return true;
    };
    const tick = async (/** @type {number} */ times) => {
      for (let i = 0; i < times; i++) {
        stage.send(1, `tick ${i + 1}`);
        await stage.pause(TICK);
        listen();
      }
    };
    stage.send(0, "I am about to leave");
    await tick(10);
    longest = 0;
    stage.say("leaving");
    const left = stage.leave(0);
    await tick(30);
    await stage.until(() => {
      listen();
      return heard >= 40;
    }, FROZEN);
    await left;
    return { seconds: (longest / 1000).toFixed(1), heard };
  }),
  byNaive("none-at-close", async (stage) => {
    const before = await stage.get();
    await stage.connect();
    stage.say("countBefore", { before });
    for (const pane of /** @type {const} */ ([0, 1])) stage.send(pane, "Hello, and goodbye");
    await stage.until(() => stage.received(0).length > 0, FROZEN);
    await Promise.all([stage.leave(0), stage.leave(1)]);
    await stage.pause(1000);
    return { before, after: await stage.get() };
  }),
  byNaive("nul-fragments", async (stage) => {
    await stage.connect();
    stage.say("large");
    const message = "Echo Wall answers what it is told. ".repeat(30_000).slice(0, 1024 * 1024);
    stage.send(1, message); // one after the other: fragments of two clients at once are another demonstration
    await stage.until(() => stage.received(1).length > 0, FROZEN);
    stage.send(0, message);
    await stage.until(() => stage.received(0).some(({ size }) => size > 1), FROZEN);
    await stage.pause(500);
    return { left: stage.received(0).length, right: stage.received(1).length };
  }),
  byRecord("fragments-apart"),
  byRecord("vanished"),
];

/**
 * @param {Demo} demo
 * @param {Service[]} services
 * @param {(name: string) => boolean} isUp
 * @returns {{ casting: Casting | null, able: Service[] }} who gives it, if anybody does that runs, and who could
 */
export function cast(demo, services, isUp) {
  const able = services.filter((service) =>
    demo.naive ? service.naive?.shows === demo.id : demo.known(service) !== null,
  );
  const alone = (/** @type {Service} */ one) => demo.known(one)?.checks.length ?? 1;
  const [service] = able.filter(({ name }) => isUp(name)).sort((a, b) => alone(a) - alone(b)); // the most particular cause
  return { casting: service ? { demo, service, known: demo.known(service) } : null, able };
}

/**
 * What the two panes show: on the left what goes wrong, on the right what does not.
 * @param {Casting} casting @param {Service[]} services @param {(name: string) => boolean} isUp
 * @returns {Selection[]}
 */
export function panesOf({ demo, service }, services, isUp) {
  const select = (/** @type {Service} */ { name }, /** @type {Selection["handler"]} */ handler) => ({
    service: name,
    handler,
    url: "",
  });
  if (demo.naive) return [select(service, "naive"), select(service, "healthy")];
  const right = services.find((one) => demo.known(one) === null && one.protocol === "websocket" && isUp(one.name));
  return [select(service, "healthy"), select(right ?? service, "healthy")];
}
