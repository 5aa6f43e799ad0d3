/**
 * Renders a component anew on each of these events of a target, while it is on the page: a reactive controller of Lit.
 * It requests the update itself, because the events are about data outside the component's properties.
 */
export class Follows {
  /** @type {EventTarget | null} */
  #target = null;

  /**
   * @param {import("lit").ReactiveControllerHost} host
   * @param {() => EventTarget} target asked for when the component comes onto the page: its properties are set by then
   * @param {readonly string[]} events
   * @param {(event: Event) => void} [react] what to do before that
   */
  constructor(host, target, events, react) {
    this.target = target;
    this.events = events;
    this.listener = (/** @type {Event} */ event) => {
      react?.(event);
      host.requestUpdate();
    };
    host.addController(this);
  }

  hostConnected() {
    this.#target = this.target();
    for (const event of this.events) this.#target.addEventListener(event, this.listener);
  }

  hostDisconnected() {
    for (const event of this.events) this.#target?.removeEventListener(event, this.listener);
  }
}
