// What is shown is what the address says: /?q=...&page=... Nothing else decides it, so links and Back work.

const DEFAULTS = { q: "", filter: "", page: "", word: "", view: "", top: "10", hybrid: "", exact: "" };

const listeners = [];

/** What the address asks for. */
export function current() {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, given.get(name) ?? value]));
}

/** The address of a state, which is the current one but for `changes`. */
export function address(changes, state = current()) {
  const wanted = Object.entries({ ...state, ...changes }).filter(([name, value]) => value && value !== DEFAULTS[name]);
  return wanted.length ? `/?${new URLSearchParams(wanted)}` : "/";
}

/** Go there. What merely leads on from a page that is open replaces it, so that Back leads out of it. */
export function go(to, { replace = false } = {}) {
  const target = typeof to === "string" ? to : address(to);
  if (target === location.pathname + location.search) replace = true;
  history[replace ? "replaceState" : "pushState"](null, "", target);
  tell();
}

/** Call `listener` with the state whenever the address changes. */
export function follow(listener) {
  listeners.push(listener);
}

export function tell() {
  const state = current();
  for (const listener of listeners) listener(state);
}

addEventListener("popstate", tell);
addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!link || !plain || link.target || link.origin !== location.origin || link.pathname !== "/" || link.hash) return;
  event.preventDefault();
  go(link.pathname + link.search, { replace: "replace" in link.dataset });
});
