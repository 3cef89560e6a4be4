/** What the browser keeps between visits, beside the pictures. */

/** @returns what `use` does; null where the browser forbids storage */
export function stored(use) {
  try {
    return use(localStorage);
  } catch {
    return null;
  }
}

/** Whether pictures and settings are kept; the person can switch that off. */
export const keeps = () => stored((storage) => storage.getItem("keep")) !== "no";
