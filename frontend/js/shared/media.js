/** Renders a component anew when the screen comes to match a media query, or ceases to: a reactive controller of Lit. */
export class Media {
  #query;
  #changed;

  /** @param {import("lit").ReactiveControllerHost} host @param {string} query */
  constructor(host, query) {
    this.#query = matchMedia(query);
    this.#changed = () => host.requestUpdate(); // the screen is no property
    host.addController(this);
  }

  get matches() {
    return this.#query.matches;
  }

  hostConnected() {
    this.#query.addEventListener("change", this.#changed);
  }

  hostDisconnected() {
    this.#query.removeEventListener("change", this.#changed);
  }
}
