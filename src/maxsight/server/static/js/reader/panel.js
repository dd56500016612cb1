// Details of the page that is read: what each word of the question matched, its fields, its text.

import { address } from "../address.js";
import { sqlOf } from "../conditions.js";
import { element } from "../dom.js";
import { prediction, userFields } from "../expected.js";
import { note, problemBox } from "../message.js";
import { heatScale, wordList } from "../words.js";

/** @param {{hover: function(number|null), pin: function(number|null)}} on - Called with a word of the question. */
export function about(page, why, { q }, on) {
  const matches = why?.matches ?? [];
  const own = userFields(page.metadata);
  return [
    page.source_state === "missing" && note("The source file is no longer at its place."),
    page.source_state === "changed" && note("The source file has changed since it was indexed. Index it again."),
    why?.problem && problemBox(why.problem),
    matches.length > 0 && element("section", { "aria-labelledby": "words-title" },
      element("header", {}, element("h3", { id: "words-title" }, q), element("p", { class: "score", title: "MaxSim: the sum of the words' scores. Compare it within one question only." }, element("span", { class: "unseen" }, "Score "), why.score.toFixed(2))),
      wordList(matches, on.hover, on.pin),
      heatScale(),
      why.boosts?.map(({ kind, words, value }) =>
        element("p", { class: "hint" }, `Moved up by ${value.toFixed(2)}, apart from the score: ${kind === "name" ? "the question names" : "to the letter"} “${words}”`)),
      why.notes?.map((text) => element("p", { class: "hint" }, text))),
    prediction(page.metadata),
    own.length > 0 && element("section", {}, element("h3", {}, "Fields"),
      element("dl", { class: "fields" }, own.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value)))))),
    page.text && element("details", { class: "text-of-page" }, element("summary", {}, "Text of the page"), element("p", { tabindex: "0" }, page.text)),
    q && element("p", { class: "actions" },
      element("a", { href: address({ filter: sqlOf({ field: "path", operator: "is", value: page.path, type: "text" }), page: "", word: "" }) }, "Search this document only")),
  ].filter(Boolean);
}
