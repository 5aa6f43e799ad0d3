// Tells the yardstick from the stacks that it is there to compare with.
import { html, nothing } from "lit";
import { t } from "../i18n/i18n.js";

/** @param {import("./catalog.js").Service} service */
export function yardstick({ era }) {
  return era === "yardstick" ? html`<span class="yardstick">${t("yardstick")}</span>` : nothing;
}
