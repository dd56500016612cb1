// The search box and the results.

import { current, go } from "./address.js";
import { answerBox, forgetAnswer } from "./answer.js";
import { api } from "./api.js";
import { announce, element, find, icon } from "./dom.js";
import { filterChips, knownFields } from "./filters.js";
import { count, milliseconds } from "./format.js";
import { note, problemBox } from "./message.js";
import { remember } from "./recent.js";
import { explainNumbers, hitList } from "./results.js";
import { libraryStatus } from "./status.js";

const QUOTES = /["“”„«»]|(?<!\S)-(?=[\p{L}])/gu;
const isExact = (question) => question.search(QUOTES) >= 0;
const MORE = 10;
const MAX_RESULTS = 100;
const WAIT_SHOWN_AFTER_MS = 200;

const box = find("#query");
const place = find("#results");
let asked = ""; // the question of the results
let running = null;
let scrolled = 0;
let focusNext = 0; // rank of the first result that "Show more" added

find("#search").addEventListener("submit", (event) => {
  event.preventDefault();
  const q = box.value.trim();
  if (!q) return box.focus();
  forgetResults(); // the same question is asked again: the library may have changed
  remember(q);
  go({ q, page: "", word: "", top: "" });
});

/** Show the results that the state asks for. */
export async function showResults(state) {
  const { q, filter, top, names, group, exact, page } = state;
  if (document.activeElement !== box || !q) box.value = q;
  markOpened(page);
  const question = JSON.stringify([q, filter, top, names, group, exact]);
  if (!q) {
    forgetResults();
    running?.abort();
    running = null;
    return place.replaceChildren();
  }
  if (question === asked) return;
  asked = question;
  running?.abort();
  const own = (running = new AbortController());
  const waiting = setTimeout(() => place.classList.add("waiting"), WAIT_SHOWN_AFTER_MS);
  if (!place.children.length) place.replaceChildren(heading(q, ""), skeleton());
  try {
    const [found, fields, { answers }] = await Promise.all([api.search(state, own.signal), knownFields(), libraryStatus()]);
    if (running !== own) return;
    place.replaceChildren(...results(state, found, fields, answers));
    markOpened(current().page);
    if (focusNext) place.querySelector(`.result[data-rank="${focusNext}"] .open`)?.focus();
    focusNext = 0;
    announce(`${summary(found)}${found.notices.map((text) => `. ${text}`).join("")}`);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    asked = "";
    const retry = problem.status === 401 ? null : () => showResults(current());
    place.replaceChildren(heading(q, ""), filterChips(state, await knownFields()) || "", problemBox(problem, retry));
  } finally {
    clearTimeout(waiting);
    if (running === own) place.classList.remove("waiting");
  }
}

function results(state, { hits, notices, took_ms, query }, fields, model) {
  const more = hits.length === Number(state.top) && hits.length < MAX_RESULTS;
  return [
    heading(query, [`${summary({ hits })} in ${milliseconds(took_ms)}`, likelihood(hits)].filter(Boolean).join(" · "), hits.length > 1 && groupSwitch(state)),
    filterChips(state, fields) || "",
    ...notices.map(note),
    hits.length ? answerBox(state, model) : "",
    hits.length ? hitList(hits, Boolean(state.group)) : nothing(state),
    more ? element("button", { type: "button", class: "more", on: { click: showMore } }, "Show more") : "",
    hits.length ? explainNumbers() : "",
  ];
}

const summary = ({ hits }) => (hits.length ? count(hits.length, "page") : "Nothing found");

/** How likely it is that the library answers, in words. */
function likelihood([{ answers, doubtful } = {}]) {
  if (answers == null || doubtful) return "";
  const percent = Math.round(100 * answers);
  return `${percent >= 50 ? "likely" : "perhaps"} answered here (${percent} %)`;
}

const groupSwitch = ({ group }) =>
  element("button", { type: "button", class: "quiet by-document", "aria-pressed": String(Boolean(group)), on: { click: () => go({ group: group ? "" : "document" }) } }, icon("library"), "By document");

const heading = (query, text, ...more) =>
  element("header", { class: "summary" },
    element("h2", { class: "unseen", tabindex: "-1" }, `Results for “${query}”`),
    element("p", {}, text), more);

const nothing = ({ filter, q }) =>
  element("div", { class: "empty" },
    element("p", { class: "strong" }, filter ? "No page fits the filter." : isExact(q) ? "No page has this to the letter." : "There is nothing to find yet."),
    filter
      ? element("button", { type: "button", on: { click: () => go({ filter: "" }) } }, "Search without it")
      : isExact(q)
        ? element("button", { type: "button", on: { click: () => go({ q: q.replace(QUOTES, " ").trim() }) } }, "Search without quotation marks")
        : element("p", {}, "Add files: drop them anywhere on this page."));

const skeleton = () => element("ol", { class: "hits", "aria-hidden": "true" },
  Array.from({ length: 6 }, () => element("li", { class: "result skeleton" }, element("span", { class: "thumbnail" }), element("div", { class: "about" }))));

function showMore() {
  focusNext = place.querySelectorAll(".result").length + 1;
  const top = String(Math.min(Number(current().top) + MORE, MAX_RESULTS));
  go({ top }, { replace: true });
}

/** Search again when the results are next shown, as after a change of the library. */
export function forgetResults() {
  asked = "";
  forgetAnswer();
}

// Results keep their place while a page is open --------------------------------------------------------------

function markOpened(page) {
  for (const item of place.querySelectorAll(".result[data-page]")) {
    const opened = item.dataset.page === page;
    const link = item.querySelector(".open");
    opened ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    if (opened) item.scrollIntoView({ block: "nearest" });
  }
}

export function leaveResults() {
  scrolled = scrollY;
}

/** Scroll back to the place before a page was opened, and focus its result. */
export function returnToResults(page) {
  scrollTo(0, scrolled);
  const item = place.querySelector(`.result[data-page="${CSS.escape(page)}"] .open`);
  (item ?? place.querySelector("h2"))?.focus({ preventScroll: Boolean(item) });
  item?.scrollIntoView({ block: "nearest" });
}

/** Move the focus along the results; `step` is 1 or -1. */
export function stepResults(step) {
  const links = [...place.querySelectorAll(".result .open")];
  const now = links.indexOf(document.activeElement);
  const next = now < 0 ? (step > 0 ? 0 : -1) : now + step;
  if (next < 0) return box.focus();
  links[Math.min(next, links.length - 1)]?.focus();
}

export function focusSearch() {
  box.focus();
  box.select();
}
