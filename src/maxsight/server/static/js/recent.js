// The last questions, remembered on this device only.

import { address } from "./address.js";
import { element, find } from "./dom.js";
import { stored } from "./stored.js";

const KEY = "recent";
const MOST = 8;

function recent() {
  try {
    return JSON.parse(stored.get(KEY)) ?? [];
  } catch {
    return [];
  }
}

/** Remember a question, newest first. */
export function remember(q) {
  stored.set(KEY, JSON.stringify([q, ...recent().filter((other) => other !== q)].slice(0, MOST)));
}

export const forgetSearches = () => stored.remove(KEY);

/** The last questions as links; nothing if there are none. */
export function recentSearches() {
  const questions = recent();
  if (!questions.length) return null;
  const forget = () => {
    forgetSearches();
    list.remove();
    find("#query").focus();
  };
  const list = element("section", { class: "recent", "aria-labelledby": "recent-title" },
    element("h2", { id: "recent-title" }, "Recent searches"),
    element("ul", {}, questions.map((q) => element("li", {}, element("a", { href: address({ q, page: "" }) }, q)))),
    element("button", { type: "button", class: "quiet", title: "They are stored on this device only", on: { click: forget } }, "Forget"));
  return list;
}
