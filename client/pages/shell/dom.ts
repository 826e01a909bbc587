/** Elements: find one, make one, set its text. */

export { make, makeSvg, setText } from "../../src/dom.ts";

/** The element with this id. A page without the element is a mistake in our own code. */
export function find<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}
