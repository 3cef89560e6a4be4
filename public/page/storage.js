/** What the browser keeps between visits, beside the pictures. */

/** @returns what `use` does; null where the browser forbids storage, so that what is chosen holds for this tab alone */
export function stored(use) {
  try {
    return use(localStorage);
  } catch {
    return null;
  }
}

/** Whether pictures and settings are kept; the person can switch that off. */
export const keeps = () => stored((storage) => storage.getItem("keep")) !== "no";
