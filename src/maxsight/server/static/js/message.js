// Boxes for errors, with the next step, and for notes.

import { element, icon } from "./dom.js";

export function problemBox(problem, retry) {
  return element(
    "div",
    { class: "message problem", role: "alert" },
    icon("alert"),
    element(
      "div",
      {},
      element("p", { class: "strong" }, problem.detail || problem.title || problem.message),
      problem.hint && element("p", {}, problem.hint),
      retry && element("button", { type: "button", on: { click: retry } }, "Try again"),
    ),
  );
}

export const note = (text) => element("p", { class: "message" }, icon("alert"), element("span", {}, text));
