/** @param {string} text @returns {Promise<boolean>} whether the clipboard has it now */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text); // not there in a page that came by plain HTTP from another machine
    return true;
  } catch {
    return false;
  }
}
