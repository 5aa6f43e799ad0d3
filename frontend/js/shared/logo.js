// The round wall, and a voice in the middle of it.
import { html, svg } from "lit";

export function logo() {
  return html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
    ${svg`<path d="M7.6 24.4a11.9 11.9 0 1 1 16.8 0" /><path d="M11 21a7.1 7.1 0 1 1 10 0" /><circle cx="16" cy="16" r="2.6" />`}
  </svg>`;
}
