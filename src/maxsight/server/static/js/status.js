// The status of the library, requested once until it changes.

import { api } from "./api.js";

let asked = null;

export function libraryStatus() {
  asked ??= api.library().catch((problem) => {
    asked = null;
    throw problem;
  });
  return asked;
}

/** Announce to all parts of the page that the documents have changed. */
export function announceLibraryChange() {
  asked = null;
  dispatchEvent(new CustomEvent("library-changed"));
}
