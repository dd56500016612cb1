// A result as a card: thumbnail, matches and snippet.

import { address } from "./address.js";
import { element, icon } from "./dom.js";
import { rate, userFields } from "./expected.js";
import { count } from "./format.js";
import { placesOf, strongMatches } from "./matches.js";
import { thumbnail } from "./thumbnail.js";

/** The card of a hit; `under` the card above, of the same document. */
export function resultCard(hit, best, under = false) {
  return element("li", { class: under ? "result under" : "result", "data-page": hit.page_id },
    element("a", { class: "open", href: address({ page: hit.page_id, word: "" }), "aria-label": `${hit.file}, page ${hit.page_number}` },
      thumbnail(hit.page_id, placesOf(strongMatches(hit.matches)))),
    element("div", { class: "about" },
      element("h3", {}, element("a", { href: address({ page: hit.page_id, word: "" }), tabindex: "-1" }, hit.file)),
      element("p", { class: "where" },
        element("span", {}, `Page ${hit.page_number}`),
        element("span", { class: "score", title: "MaxSim score: compare within one question only" },
          element("span", { class: "unseen" }, "Score "), hit.score.toFixed(2),
          element("span", { class: "meter", "aria-hidden": "true", style: { "--share": hit.score / best } }))),
      element("p", { class: "snippet", dir: "auto" }, marked(hit.snippet, hit.marks)),
      facts(hit)));
}

/** A text with some spans of it marked. JavaScript counts UTF-16 units and the server characters, so it is split first. */
function marked(text, spans) {
  const letters = [...text];
  const part = (start, end) => letters.slice(start, end).join("");
  let at = 0;
  const parts = spans.flatMap(([start, end]) => {
    const before = part(at, start);
    at = end;
    return [before, element("mark", {}, part(start, end))];
  });
  return [...parts, part(at)];
}

const BOOSTS = { letter: "To the letter", name: "Named" };

function facts({ boosts, copies, metadata }) {
  const own = userFields(metadata);
  if (metadata?.predicted_cer != null) own.push(["Expected CER", rate(metadata.predicted_cer)]);
  if (!own.length && !copies?.length && !boosts?.length) return null;
  return element("ul", { class: "facts" },
    (boosts ?? []).map(({ kind, words, value }) =>
      element("li", { class: "boost", title: `Moved up by ${value.toFixed(2)}, apart from the score` }, element("span", {}, BOOSTS[kind]), ` ${words}`)),
    own.map(([name, value]) => element("li", {}, element("span", {}, name), ` ${value}`)),
    copies?.length > 0 && element("li", { title: copies.join("\n") }, icon("link"), count(copies.length, "copy", "copies")));
}
