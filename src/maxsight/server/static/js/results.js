// A result as a card: thumbnail, matches and snippet.

import { address } from "./address.js";
import { element, icon } from "./dom.js";
import { rate, userFields } from "./expected.js";
import { count } from "./format.js";
import { placesOf, strongMatches } from "./matches.js";
import { thumbnail } from "./thumbnail.js";

/** The hits as cards, best first; or by document, each document folded by its heading. */
export function hitList(hits, byDocument) {
  if (!byDocument) return element("ol", { class: "hits" }, hits.map((hit) => resultCard(hit)));
  const documents = new Map();
  for (const hit of hits) documents.set(hit.path, [...(documents.get(hit.path) ?? []), hit]);
  return element("div", { class: "by-documents" }, [...documents].map(([path, own]) =>
    element("details", { class: "group", open: true },
      element("summary", { title: path }, element("h3", {}, own[0].file), element("span", { class: "hint" }, `${count(own.length, "page")}, best is number ${own[0].rank}`)),
      element("ol", { class: "hits" }, own.map((hit) => resultCard(hit, true))))));
}

/** The card of a hit; `under` the heading of its document. */
function resultCard(hit, under = false) {
  const place = `${hit.file}, page ${hit.page_number}`;
  const telling = hit.matches.filter((match) => !match.common);
  const found = telling.filter(isFound).length;
  return element("li", { class: "result", "data-page": hit.page_id, "data-rank": hit.rank },
    element("a", { class: "open", href: address({ page: hit.page_id, word: "" }), "aria-label": place },
      thumbnail(hit.page_id, placesOf(strongMatches(hit.matches)))),
    element("div", { class: "about" },
      !under && element("h3", {}, element("a", { href: address({ page: hit.page_id, word: "" }), tabindex: "-1" }, hit.file)),
      element("p", { class: "where" },
        element("span", { class: "rank" }, hit.rank),
        element("span", {}, `Page ${hit.page_number}`),
        element("span", { class: "score", title: meaning(found, telling.length, hit.score) },
          telling.length > 0 && element("span", { class: "meter", "aria-hidden": "true", style: { "--share": found / telling.length } }),
          telling.length > 0 && element("span", {}, `${found} of ${count(telling.length, "word")}`), " ",
          element("span", { class: "maxsim" }, element("span", { class: "unseen" }, "Score "), hit.score.toFixed(2)))),
      element("p", { class: "snippet", dir: "auto" }, marked(hit.snippet, allMarks(hit))),
      facts(hit)));
}

const ALIKE = 0.5; // from here on, a match means nearly the word: 0 is an average page, 1 the word itself
const STEM = 4; // letters: with as many alike at their start, one of two words is a form of the other
const isFound = (match) => match.identical || match.contrast >= ALIKE || isForm(match.word.toLowerCase(), match.text.toLowerCase());
const isForm = (one, other) => Math.min(one.length, other.length) >= STEM && (one.startsWith(other) || other.startsWith(one));

const meaning = (found, all, score) =>
  `The page has ${found} of the ${count(all, "telling word")} of the question, to the letter or alike. Score ${score.toFixed(2)}: MaxSim, the sum over all words.`;

export const explainNumbers = () =>
  element("details", { class: "numbers" }, element("summary", {}, "What the numbers mean"),
    element("p", {}, "Each word of the question takes the most similar place on the page. The score adds up how similar these are (MaxSim). The best score comes first, unless a name or a rare word moves a page up. Compare scores within one question only: a longer question has higher ones. “3 of 4 words” counts the words that the page has to the letter or with nearly the same meaning. Words that stand on every page do not count."));

/** Spans of the snippet: words of the question, and words that are alike. */
function allMarks({ snippet, marks, matches }) {
  const letters = small(snippet);
  const taken = marks.map(([start, end]) => [start, end, ""]);
  for (const { text, common, identical } of matches.filter((match) => isFound(match))) {
    const word = small(text);
    if (common || identical || word.length < 2) continue;
    for (let at = 0; at + word.length <= letters.length; at += 1) {
      const end = at + word.length;
      const isWord = !isLetter(letters[at - 1]) && !isLetter(letters[end]) && word.every((letter, index) => letters[at + index] === letter);
      if (isWord && taken.every(([from, to]) => end <= from || at >= to)) taken.push([at, end, "alike"]);
    }
  }
  return taken.sort(([one], [other]) => one - other);
}

const small = (text) => [...text].map((letter) => letter.toLowerCase()); // as a whole, some texts would change their length
const isLetter = (letter) => letter !== undefined && /[\p{L}\p{N}]/u.test(letter);

/** A text with some spans of it marked. JavaScript counts UTF-16 units and the server characters, so it is split first. */
function marked(text, spans) {
  const letters = [...text];
  const part = (start, end) => letters.slice(start, end).join("");
  let at = 0;
  const parts = spans.flatMap(([start, end, kind]) => {
    const before = part(at, start);
    at = end;
    return [before, element("mark", { class: kind || null }, part(start, end))];
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
