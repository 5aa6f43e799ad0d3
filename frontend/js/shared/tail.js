// A box that scrolls along for as long as its reader is at its end: a reactive controller of Lit.

const NEAR = 8; // pixels from the end that still count as the end

export class Tail {
  #lastTop = 0;
  #lastHeight = 0;
  /** @type {Element | null} */
  #observed = null;
  #stick = new ResizeObserver(() => this.#follow());

  /**
   * @param {import("lit").ReactiveControllerHost & Element} host
   * @param {string} selector of the box
   * @param {{ following(): boolean, pause(): void, resume(): void }} reader
   */
  constructor(host, selector, reader) {
    this.host = host;
    this.selector = selector;
    this.reader = reader;
    host.addController(this);
  }

  get box() {
    return /** @type {HTMLElement} */ (this.host.querySelector(this.selector));
  }

  hostUpdated() {
    if (this.#observed === null) this.#stick.observe((this.#observed = this.box));
    this.#follow();
  }

  hostDisconnected() {
    this.#stick.disconnect();
    this.#observed = null;
  }

  /** Scrolling up pauses, arriving at the end resumes. */
  scrolled = () => {
    const { box } = this;
    if (this.reader.following() && box.clientHeight !== this.#lastHeight) return; // not the reader: the box became another
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight <= NEAR;
    const up = box.scrollTop < this.#lastTop;
    this.#lastTop = box.scrollTop;
    if (this.reader.following() && up && !atEnd) this.reader.pause();
    else if (!this.reader.following() && atEnd && !up) this.reader.resume();
  };

  #follow() {
    const { box } = this;
    this.#lastHeight = box.clientHeight;
    if (!this.reader.following()) return;
    box.scrollTop = box.scrollHeight;
    this.#lastTop = box.scrollTop;
  }
}
