/**
 * Whether no key is held that gives a click, or another key, a meaning of the browser's own: a new tab, a shortcut.
 * @param {MouseEvent | KeyboardEvent} event
 */
export function isPlain({ altKey, ctrlKey, metaKey, shiftKey }) {
  return !(altKey || ctrlKey || metaKey || shiftKey);
}
