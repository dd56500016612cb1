// What the library holds, asked once until it changes.

import { api } from "./api.js";

let asked = null;

export function libraryStatus() {
  asked ??= api.library().catch((problem) => {
    asked = null;
    throw problem;
  });
  return asked;
}

/** Tell every part of the page that the library holds other documents now. */
export function tellLibraryChanged() {
  asked = null;
  dispatchEvent(new CustomEvent("library-changed"));
}
