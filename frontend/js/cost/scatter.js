// Cost against correctness: a dot for each stack, further left the cheaper, further down the fewer wrong answers.
import { html, svg } from "lit";

/** @typedef {{ label: string, colour: string, cost: number, wrong: number }} Dot */

const WIDTH = 560;
const HEIGHT = 300;
const EDGE = { left: 50, right: 20, top: 15, bottom: 42 };

/** @param {Dot[]} dots @param {string} name @param {string} across @param {string} up */
export function scatter(dots, name, across, up) {
  const most = Math.max(1, ...dots.map(({ wrong }) => wrong));
  const dearest = Math.max(1, ...dots.map(({ cost }) => cost));
  const x = (/** @type {number} */ cost) => EDGE.left + (cost / dearest) * (WIDTH - EDGE.left - EDGE.right);
  const y = (/** @type {number} */ wrong) => HEIGHT - EDGE.bottom - (wrong / most) * (HEIGHT - EDGE.top - EDGE.bottom);
  const ticks = (/** @type {number} */ end) => [0, end / 2, end].map((value) => Number(value.toPrecision(2)));
  return html`<svg class="scatter" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${name}>
    ${ticks(dearest).map((value) => svg`<line class="scale" x1=${x(value)} x2=${x(value)} y1=${EDGE.top} y2=${HEIGHT - EDGE.bottom} /><text x=${x(value)} y=${HEIGHT - 24} text-anchor="middle">${value}</text>`)}
    ${ticks(most).map((value) => svg`<line class="scale" x1=${EDGE.left} x2=${WIDTH - EDGE.right} y1=${y(value)} y2=${y(value)} /><text x=${EDGE.left - 8} y=${y(value) + 4} text-anchor="end">${value}</text>`)}
    <text x=${WIDTH - EDGE.right} y=${HEIGHT - 5} text-anchor="end">${across} →</text>
    <text x="14" y=${EDGE.top} text-anchor="end" transform="rotate(-90 14 ${EDGE.top})">${up} →</text>
    ${dots.map(({ label, colour, cost, wrong }) => svg`<circle cx=${x(cost)} cy=${y(wrong)} r="5" fill=${colour}><title>${label}</title></circle>`)}
  </svg>`;
}
