// The words of the question, each with its match on the page and its score.

import { element } from "./dom.js";

/**
 * @param {Array} matches - The matches of an explanation.
 * @param {function(number|null)} onWord - Called with the word to show, null for all of them.
 * @param {function(number|null)} onPin - Called when a word is pinned, or none.
 */
export function wordList(matches, onWord, onPin) {
  const best = Math.max(...matches.map((match) => match.score), 0.01);
  const buttons = matches.map((match, index) =>
    element("button",
      {
        type: "button", class: "word", "aria-pressed": "false", "data-word": index,
        on: {
          pointerenter: () => onWord(index),
          pointerleave: () => onWord(null),
          focus: () => onWord(index),
          blur: () => onWord(null),
          click: () => onPin(buttons[index].getAttribute("aria-pressed") === "true" ? null : index),
        },
      },
      element("span", { class: "asked" }, match.word),
      element("span", { class: "found" }, element("span", { class: "unseen" }, " found "), match.text || (match.region ? "a place" : "")),
      element("span", { class: "gave" }, match.score.toFixed(2)),
      element("span", { class: "meter", "aria-hidden": "true", style: { "--share": Math.max(match.score / best, 0) } })));
  return element("ul", { class: "words" }, buttons.map((button) => element("li", {}, button)));
}

/** Press the button of the pinned word. */
export function pressWord(list, pinned) {
  for (const button of list.querySelectorAll(".word")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.word) === pinned));
  }
}
