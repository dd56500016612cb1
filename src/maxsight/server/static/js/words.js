// The words of the question, each with its match on the page; common words are folded away.

import { element } from "./dom.js";
import { count } from "./format.js";

/**
 * @param {Array} matches - The matches of an explanation.
 * @param {function(number|null)} onWord - Called with the word to show, null for all of them.
 * @param {function(number|null)} onPin - Called when a word is pinned, or none.
 */
export function wordList(matches, onWord, onPin) {
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
      element("span", { class: "asked", dir: "auto" }, match.word),
      element("span", { class: "found" }, element("span", { class: "unseen" }, " found "), found(match)),
      element("span", { class: "gave", title: "Its share of the score" }, match.score.toFixed(2)),
      !match.common && element("span", { class: "meter", title: "How far it stands out from an average page", style: { "--share": match.contrast } })));
  const list = (common) => element("ul", {}, buttons.filter((_, index) => matches[index].common === common).map((button) => element("li", {}, button)));
  const folded = matches.filter((match) => match.common).length;
  return element("div", { class: "words" }, list(false),
    folded > 0 && element("details", { class: "common" }, element("summary", {}, count(folded, "common word")), list(true)));
}

function found({ identical, places, text, region }) {
  if (identical) return places.length > 1 ? `to the letter, ${places.length} places` : "to the letter";
  return text || (region ? "a place" : "");
}

/** What the colours of the heat mean: the same on every page. */
export const heatScale = () => element("div", { class: "scale" }, element("span", { class: "ramp", "aria-hidden": "true" }),
  element("span", {}, "as on an average page"), element("span", {}, "one word"), element("span", {}, "all of the question"));

/** Press the button of the pinned word. */
export function pressWord(list, pinned) {
  for (const button of list.querySelectorAll(".word")) {
    const pressed = Number(button.dataset.word) === pinned;
    button.setAttribute("aria-pressed", String(pressed));
    if (pressed && button.closest("details")) button.closest("details").open = true;
  }
}
