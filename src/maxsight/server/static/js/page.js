// The page view: the picture, the heatmap of the question over it, and what each word of the question matched.

import { address, current, go } from "./address.js";
import { addresses, api } from "./api.js";
import { sqlOf } from "./conditions.js";
import { announce, element, find, icon, place } from "./dom.js";
import { prediction, userFields } from "./expected.js";
import { note, problemBox } from "./message.js";
import { THUMBNAIL_PX, placeOf } from "./results.js";
import { Stage } from "./stage.js";
import { heatScale, pressWord, wordList } from "./words.js";

const WIDTHS_PX = [800, 1200, 1600, 2400];
const HEAT_PX = 1200;
const HOVER_MS = 60; // a pointer that only passes sends no request

const root = find("#page");
const picture = element("img", { class: "picture", draggable: "false" });
const heat = element("img", { class: "heat", alt: "", draggable: "false", hidden: true });
const spot = element("div", { class: "spot", hidden: true, "aria-hidden": "true" }, element("span"));
const further = element("div", { "aria-hidden": "true" }); // the word's other parts and its other places
const sheet = element("div", { class: "sheet" }, picture, heat, further, spot);
const stage = new Stage(sheet, sharpen);

let shown = { page: "", q: "" }; // what is on the stage
let shape = null; // width by height
let matches = [];
let pinned = null;
let hovering = 0;
let running = null;

const button = (name, label, on, attributes = {}) =>
  element("button", { type: "button", class: "quiet icon-only", "aria-label": label, title: label, on: { click: on }, ...attributes }, icon(name));
const link = (name, label, attributes = {}) =>
  element("a", { class: "quiet button icon-only", "aria-label": label, title: label, ...attributes }, icon(name));

const close = element("a", { class: "quiet button", href: "/" }, icon("back"), element("span", {}, "Results"));
const title = element("h2", { tabindex: "-1" });
const place_ = element("p", { class: "where" });
const previous = link("left", "Previous page", { "data-replace": true });
const next = link("right", "Next page", { "data-replace": true });
const heatSwitch = element("button", { type: "button", class: "quiet", id: "heat", "aria-pressed": "true", on: { click: toggleHeat } }, icon("heat"), element("span", {}, "Heat"));
const zoomed = element("button", { type: "button", class: "quiet zoom", title: "Whole page", on: { click: () => stage.zoomTo(1) } }, "100%");
const source = element("a", { class: "quiet button", target: "_blank", rel: "noopener", title: "Open the source file at this page" }, icon("open"), element("span", {}, "Source"));
const panel = element("div", { class: "panel" });

root.append(
  element("header", {}, close,
    element("div", { class: "title" }, title, place_),
    element("div", { class: "tools", role: "group", "aria-label": "Page" },
      element("span", { class: "group" }, previous, next),
      element("span", { class: "group zooming" }, button("minus", "Zoom out", () => stage.out()), zoomed, button("plus", "Zoom in", () => stage.in())),
      heatSwitch, source)),
  stage.root,
  panel,
);
picture.addEventListener("load", () => {
  stage.root.classList.remove("waiting");
  if (!shape) stage.reset((shape = picture.naturalWidth / picture.naturalHeight)); // plain text has the shape of its picture
});
picture.addEventListener("error", () => stage.root.classList.remove("waiting"));

/** Show the page that the state asks for. */
export async function showPage(state) {
  if (!state.page) return leave();
  close.href = address({ page: "", word: "" }, state);
  close.lastChild.textContent = state.q ? "Results" : state.view ? "Library" : "Start";
  if (shown.page === state.page && shown.q === state.q) return pin(wordOf(state));
  const opened = !shown.page;
  shown = { page: state.page, q: state.q };
  running?.abort();
  const own = (running = new AbortController());
  stage.root.classList.add("waiting");
  heat.hidden = true;
  mark(null);
  matches = [];
  try {
    const [page, why] = await Promise.all([
      api.page(state.page, own.signal),
      state.q ? api.explanation(state.page, state.q, own.signal).catch((problem) => { if (problem.name === "AbortError") throw problem; return { problem }; }) : null,
    ]);
    present(page, why, state);
    if (opened) title.focus({ preventScroll: true });
    announce(`${page.file}, page ${page.page_number} of ${page.page_count}`);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    shown = { page: "", q: "" };
    stage.root.classList.remove("waiting");
    picture.removeAttribute("src");
    title.textContent = "This page can't be shown";
    place_.textContent = "";
    panel.replaceChildren(problemBox(problem));
  }
}

function leave() {
  running?.abort();
  clearTimeout(hovering);
  shown = { page: "", q: "" };
  matches = [];
}

function present(page, why, state) {
  document.title = `${page.file}, page ${page.page_number} – maxsight`;
  title.textContent = page.file;
  place_.textContent = `Page ${page.page_number} of ${page.page_count}`;
  lead(previous, page.previous);
  lead(next, page.next);
  source.href = page.links.source ?? "";
  source.hidden = page.source_state !== "available";
  picture.alt = `Page ${page.page_number} of ${page.file}`;
  stage.root.setAttribute("aria-label", `Page ${page.page_number}. Zoom with plus and minus, move with the arrow keys.`);
  picture.src = addresses.image(page.page_id, THUMBNAIL_PX); // in the browser's cache; a sharper one follows
  shape = page.image && page.image.width / page.image.height;
  if (shape) stage.reset(shape);
  matches = why?.matches ?? [];
  heatSwitch.hidden = !matches.length;
  panel.replaceChildren(...about(page, why, state));
  pinned = undefined;
  pin(wordOf(state));
}

function about(page, why, { q }) {
  const list = matches.length && wordList(matches, hover, (word) => go({ word: word === null ? "" : String(word + 1) }, { replace: true }));
  const own = userFields(page.metadata);
  return [
    page.source_state === "missing" && note("The source file is no longer at its place."),
    page.source_state === "changed" && note("The source file has changed since it was indexed. Index it again."),
    why?.problem && problemBox(why.problem),
    list && element("section", { "aria-labelledby": "words-title" },
      element("header", {}, element("h3", { id: "words-title" }, q), element("p", { class: "score", title: "MaxSim: the sum of the words' scores" }, element("span", { class: "unseen" }, "Score "), why.score.toFixed(2))),
      list,
      heatScale(),
      why.boosts?.map(({ kind, words, value }) =>
        element("p", { class: "hint" }, `Moved up by ${value.toFixed(2)}, apart from the score: ${kind === "name" ? "the question names" : "to the letter"} “${words}”`)),
      why.notes?.map((text) => element("p", { class: "hint" }, text))),
    prediction(page.metadata),
    own.length > 0 && element("section", {}, element("h3", {}, "Fields"),
      element("dl", { class: "fields" }, own.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value)))))),
    page.text && element("details", { class: "text" }, element("summary", {}, "Text of the page"), element("p", { tabindex: "0" }, page.text)),
    element("p", { class: "actions" },
      q && element("a", { href: address({ filter: sqlOf({ field: "path", operator: "is", value: page.path, type: "text" }), page: "", word: "" }) }, "Search this document only"),
      navigator.clipboard && element("button", { type: "button", class: "quiet", on: { click: copyLink } }, icon("link"), element("span", {}, "Copy link"))),
  ].filter(Boolean);
}

function lead(control, page) {
  if (page) {
    control.href = address({ page, word: "" });
    control.removeAttribute("role");
    control.removeAttribute("aria-disabled");
  } else {
    control.removeAttribute("href");
    control.setAttribute("role", "link");
    control.setAttribute("aria-disabled", "true");
  }
}

async function copyLink({ currentTarget }) {
  await navigator.clipboard.writeText(location.href);
  currentTarget.lastChild.textContent = "Copied";
  announce("The link is copied");
}

// Sharper pictures when zoomed ---------------------------------------------------------------------------------

function sharpen(width, zoom) {
  zoomed.textContent = `${Math.round(100 * zoom)}%`;
  zoomed.setAttribute("aria-label", `Zoom ${zoomed.textContent}, show the whole page`);
  stage.root.classList.toggle("zoomed", zoom > 1);
  if (!shown.page || !picture.src) return;
  const wanted = addresses.image(shown.page, WIDTHS_PX.find((offered) => offered >= width) ?? WIDTHS_PX.at(-1));
  if (Number(new URL(picture.src).searchParams.get("width")) >= width) return;
  const sharper = new Image();
  const page = shown.page;
  sharper.src = wanted;
  sharper.decode().then(() => { if (shown.page === page) picture.src = wanted; }, () => {});
}

// Heat ---------------------------------------------------------------------------------------------------------

const wordOf = ({ word }) => (word && Number(word) <= matches.length ? Number(word) - 1 : null);

function pin(word) {
  if (word === pinned) return;
  pinned = word;
  pressWord(panel, word);
  showHeat(word);
}

function hover(word) {
  clearTimeout(hovering);
  hovering = setTimeout(() => showHeat(word ?? pinned), HOVER_MS);
}

/** Show the heatmap of one word and its best match, or the heatmap of all words. */
async function showHeat(word) {
  if (!matches.length) return;
  const wanted = addresses.heatmap(shown.page, shown.q, word === null ? "" : word, HEAT_PX);
  sheet.dataset.word = word ?? "all";
  mark(word === null ? null : matches[word]);
  const layer = new Image();
  layer.src = wanted;
  await layer.decode().catch(() => {});
  if (sheet.dataset.word !== String(word ?? "all") || !layer.naturalWidth) return; // another word was chosen meanwhile
  heat.src = wanted;
  heat.dataset.word = sheet.dataset.word;
  heat.hidden = heatSwitch.getAttribute("aria-pressed") !== "true";
}

/** Outline a word's place, and all places that have it to the letter. */
function mark(match) {
  const region = match?.region;
  spot.hidden = !region;
  const outlined = (kind, regions) => regions.filter(Boolean).map((region) => element("div", { class: kind, style: placeOf(region) }));
  further.replaceChildren(...outlined("spot", match?.more ?? []),
    ...outlined("spot also", (match?.places ?? []).slice(1).flatMap((other) => [other.region, ...other.more])));
  if (spot.hidden) return;
  place(spot, placeOf(region));
  spot.firstChild.textContent = match.word;
  spot.classList.toggle("below", region.y0 < 0.04);
  stage.reveal(region);
}

export function toggleHeat() {
  const on = heatSwitch.getAttribute("aria-pressed") !== "true";
  heatSwitch.setAttribute("aria-pressed", String(on));
  heat.hidden = !on || !matches.length;
}

/** Handle a key; true if it did something. */
export function pageKey(event) {
  const inStage = stage.pannable && document.activeElement === stage.root;
  const actions = {
    Escape: () => go(close.getAttribute("href")),
    ArrowLeft: () => !inStage && previous.href && go(previous.getAttribute("href"), { replace: true }),
    ArrowRight: () => !inStage && next.href && go(next.getAttribute("href"), { replace: true }),
    h: () => (toggleHeat(), true),
    "+": () => (stage.in(), true),
    "=": () => (stage.in(), true),
    "-": () => (stage.out(), true),
    0: () => (stage.zoomTo(1), true),
  };
  return actions[event.key]?.() !== false && event.key in actions;
}
