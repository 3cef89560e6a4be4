/** @returns what `use` does; null where the browser forbids storage, so that what is chosen holds for this tab alone */
export function stored(use) {
  try {
    return use(localStorage);
  } catch {
    return null;
  }
}
