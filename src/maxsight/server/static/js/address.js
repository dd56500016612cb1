// The address alone decides what the page shows: /?q=...&page=... So links and Back work.

const DEFAULTS = { q: "", filter: "", page: "", word: "", top: "10", names: "", group: "", exact: "" };
const MOST = 100; // results

const listeners = [];

/** The state that the address describes. */
export function current() {
  const given = new URLSearchParams(location.search);
  const state = Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, given.get(name) ?? value]));
  const top = Math.min(Math.trunc(Number(state.top)), MOST); // a mangled link shows what it can
  return { ...state, top: top > 0 ? String(top) : DEFAULTS.top };
}

/** The address of a state with some changes. */
export function address(changes, state = current()) {
  const wanted = Object.entries({ ...state, ...changes }).filter(([name, value]) => value && value !== DEFAULTS[name]);
  return wanted.length ? `/?${new URLSearchParams(wanted)}` : "/";
}

/** Go to an address or a state. `replace` leaves no entry in the history, so that Back leaves the open page at once. */
export function go(to, { replace = false } = {}) {
  const target = typeof to === "string" ? to : address(to);
  if (target === location.pathname + location.search) replace = true;
  history[replace ? "replaceState" : "pushState"](null, "", target);
  notify();
}

/** Call `listener` with the state whenever the address changes. */
export function follow(listener) {
  listeners.push(listener);
}

export function notify() {
  const state = current();
  for (const listener of listeners) listener(state);
}

addEventListener("popstate", notify);
addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!link || !plain || link.target || link.origin !== location.origin || link.pathname !== "/" || link.hash) return;
  event.preventDefault();
  go(link.pathname + link.search, { replace: "replace" in link.dataset });
});
