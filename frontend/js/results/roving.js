// Tab goes into a table of many buttons, and the arrow keys from cell to cell: a stop at each would be hundreds.
import { isPlain } from "../shared/plain.js";

/** @param {Element} table @returns {HTMLElement[][]} */
function gridOf(table) {
  return [...table.querySelectorAll("tbody tr")]
    .map((row) => /** @type {HTMLElement[]} */ ([...row.querySelectorAll("[data-cell]")]))
    .filter((row) => row.length > 0);
}

/** Makes one cell of the table the place where Tab comes to. Call it when the table has been rendered. @param {Element} table */
export function leaveOneStop(table) {
  const cells = gridOf(table).flat();
  const active = /** @type {HTMLElement | null} */ (
    table.contains(document.activeElement) ? document.activeElement : null
  );
  const stop = cells.find((cell) => cell === active) ?? cells.find(({ tabIndex }) => tabIndex === 0) ?? cells[0];
  for (const cell of cells) cell.tabIndex = cell === stop ? 0 : -1;
}

/** @type {Record<string, (row: number, column: number, grid: HTMLElement[][]) => [number, number]>} */
const MOVES = {
  ArrowUp: (row, column) => [row - 1, column],
  ArrowDown: (row, column) => [row + 1, column],
  ArrowLeft: (row, column) => [row, column - 1],
  ArrowRight: (row, column) => [row, column + 1],
  Home: (row) => [row, 0],
  End: (row, _, grid) => [row, grid[row].length - 1],
};

/** @param {KeyboardEvent & { currentTarget: Element }} event of the table */
export function moveAmongCells(event) {
  const move = MOVES[event.key];
  if (!move || !isPlain(event)) return;
  const grid = gridOf(event.currentTarget);
  const from = grid.findIndex((row) => row.includes(/** @type {HTMLElement} */ (event.target)));
  if (from < 0) return;
  event.preventDefault();
  const [row, column] = move(from, grid[from].indexOf(/** @type {HTMLElement} */ (event.target)), grid);
  const cell = grid[row]?.[column];
  if (cell === undefined) return;
  for (const one of grid.flat()) one.tabIndex = one === cell ? 0 : -1;
  cell.focus();
}
