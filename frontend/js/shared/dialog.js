/** Opens or closes a modal dialog, so that it is as it should be. @param {HTMLDialogElement} dialog @param {boolean} open */
export function setOpen(dialog, open) {
  if (open && !dialog.open) dialog.showModal();
  if (!open && dialog.open) dialog.close();
}
