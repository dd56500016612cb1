// The view of a page in its document: the reader with its controls, the heat of the question, and what its words matched.

import { address, current, go } from "../address.js";
import { addresses, api } from "../api.js";
import { announce, element, find, icon, place } from "../dom.js";
import { problemBox } from "../message.js";
import { placeOf } from "../thumbnail.js";
import { pressWord } from "../words.js";
import { offerCopying } from "./copying.js";
import { FindBar } from "./find.js";
import { DocumentHits } from "./hits.js";
import { about } from "./panel.js";
import { openPrinting } from "./printing.js";
import { Reader } from "./reader.js";
import { Strip } from "./strip.js";
import { Thumbnails } from "./thumbnails.js";

const HEAT_PX = 1200;
const HOVER_MS = 60; // a pointer that only passes sends no request
const SMALL = matchMedia("(max-width: 640px), (max-height: 500px)");

const root = find("#page");
const spot = element("div", { class: "spot" }, element("span"));
const further = element("div"); // the word's other parts and its other places

let shown = { page: "", q: "" };
let page = null; // as the API describes it
let doc = null;
let matches = [];
let pinned = null;
let hovering = 0;

const details = new Map();

/** A page as the API describes it; the last ones are remembered. */
function detail(id) {
  if (!details.has(id)) details.set(id, api.page(id).catch((problem) => { details.delete(id); throw problem; }));
  if (details.size > 60) details.delete(details.keys().next().value);
  return details.get(id);
}

const reader = new Reader({
  pass: (sheet) => {
    box.value = sheet.number;
    thumbnails.mark(sheet.id);
    lead(previous, -1);
    lead(next, 1);
    hits.tell();
  },
  rest: (sheet) => sheet.id !== shown.page && go({ page: sheet.id }, { replace: true }),
  see: async (sheet) => {
    heatOf(sheet);
    bar.markOn(sheet);
    const { words } = await detail(sheet.id).catch(() => ({ words: [] }));
    if (reader.seen.has(sheet)) sheet.showText(words);
  },
  layout: () => {
    zoomed.textContent = `${Math.round(100 * reader.zoom.level)}%`;
    zoomed.setAttribute("aria-label", `Zoom ${zoomed.textContent}, fit the width`);
    strip.place();
  },
});
const turnTo = (id) => go({ page: id }, { replace: true });
const strip = new Strip(reader, turnTo);
const thumbnails = new Thumbnails();
const hits = new DocumentHits(reader, { strip, thumbnails, turnTo });
const bar = new FindBar(reader, strip, () => doc);

const button = (name, label, on, attributes = {}) =>
  element("button", { type: "button", class: "quiet icon-only", "aria-label": label, title: label, on: { click: on }, ...attributes }, icon(name));
const entry = (name, text, on, attributes = {}) => {
  const act = () => (menu.hidePopover(), on());
  return element("button", { type: "button", class: "quiet", on: { click: act }, ...attributes }, icon(name), text);
};
const link = (name, label) => element("a", { class: "quiet button icon-only", "aria-label": label, title: label, "data-replace": true }, icon(name));

const close = element("a", { class: "quiet button", href: "/" }, icon("back"), element("span", {}, "Results"));
const title = element("h2", {});
const box = element("input", { class: "number", inputmode: "numeric", autocomplete: "off", "aria-label": "Page", name: "page" });
const total = element("span", { class: "where" });
const previous = link("left", "Previous page");
const next = link("right", "Next page");
const heatSwitch = element("button", { type: "button", class: "quiet", id: "heat", "aria-pressed": "true", on: { click: toggleHeat } }, icon("heat"), element("span", {}, "Heat"));
const zoomed = element("button", { type: "button", class: "quiet zoom", title: "Fit the width", on: { click: () => reader.zoom.fitTo("width") } }, "100%");
const thumbSwitch = button("thumbs", "Pages", () => thumbnails.toggle(), { "aria-pressed": "false", class: "quiet icon-only thumbs-switch" });
const panelSwitch = button("panel", "Details", togglePanel, { "aria-controls": "panel" });
const source = element("a", { class: "quiet button", target: "_blank", rel: "noopener" }, icon("open"), "Open the file");
const menu = element("div", { id: "page-menu", class: "menu", popover: true },
  entry("thumbs", "Small pages", () => thumbnails.toggle()),
  entry("plus", "Zoom in", () => reader.zoom.in(), { class: "quiet zooms" }),
  entry("minus", "Zoom out", () => reader.zoom.out(), { class: "quiet zooms" }),
  entry("fit-width", "Fit the width", () => reader.zoom.fitTo("width")),
  entry("fit", "Whole page", () => reader.zoom.fitTo("page")),
  entry("rotate", "Rotate", rotate),
  entry("print", "Print…", () => print()),
  navigator.clipboard && entry("link", "Copy link", copyLink),
  source);
const panel = element("div", { class: "panel", id: "panel", role: "region", "aria-label": "Details" });

root.append(
  element("header", {},
    element("div", { class: "titles" }, close, title),
    element("div", { class: "tools turning" }, thumbSwitch, previous,
      element("form", { class: "pages", on: { submit: turnToNumber } }, box, total), next),
    element("div", { class: "tools zooming", role: "group", "aria-label": "Zoom" },
      button("minus", "Zoom out", () => reader.zoom.out()), zoomed, button("plus", "Zoom in", () => reader.zoom.in())),
    hits.root,
    element("div", { class: "tools acting" },
      button("search", "Find in this document", () => bar.open()), heatSwitch, panelSwitch,
      button("more", "More", null, { popovertarget: "page-menu" }), menu)),
  bar.root,
  thumbnails.root,
  element("div", { class: "reading" }, reader.scroller, strip.root),
  panel,
);
offerCopying(reader, () => doc);
thumbnails.onToggle = (open) => thumbSwitch.setAttribute("aria-pressed", String(open));
box.addEventListener("focus", () => box.select());
box.addEventListener("blur", () => (box.value = reader.current?.number ?? ""));
setPanel(!SMALL.matches || innerHeight > innerWidth);

/** Show the page that the state asks for. */
export async function showPage(state) {
  if (!state.page) return leave();
  close.href = address({ page: "", word: "" }, state);
  close.lastChild.textContent = state.q ? "Results" : "Library";
  if (shown.page === state.page && shown.q === state.q) return pin(wordOf(state));
  const travels = reader.current?.id !== state.page; // else the user has scrolled there
  const opens = !shown.page;
  const asked = (shown = { page: state.page, q: state.q });
  panel.setAttribute("aria-busy", "true");
  if (travels) reader.goTo(state.page);
  const explained = state.q ? api.explanation(state.page, state.q).catch((problem) => ({ problem })) : null;
  try {
    page = await detail(state.page);
    if (shown !== asked) return;
    await openDocument(page.document_id, asked);
    if (shown !== asked) return;
    if (page.image) reader.setRatio(reader.byId.get(page.page_id), page.image.width / page.image.height);
    if (travels) reader.goTo(page.page_id);
    if (opens) reader.scroller.focus({ preventScroll: true });
    describe(state);
    const why = await explained;
    if (shown !== asked) return;
    present(why, state, travels);
    hits.show(doc, state.q);
    announce(`${page.file}, page ${page.page_number} of ${page.page_count}`);
  } catch (problem) {
    if (shown === asked) fail(problem);
  }
}

async function openDocument(id, asked) {
  if (doc?.document_id === id && reader.byId.has(asked.page)) return;
  const found = await api.document(id);
  if (shown !== asked) return;
  doc = found;
  bar.close();
  reader.open(doc.pages, page.image ? page.image.width / page.image.height : Math.SQRT1_2);
  thumbnails.show(doc);
  for (const control of root.querySelectorAll(".turning, .zooming, .acting > *")) control.hidden = false;
  thumbSwitch.hidden = doc.pages.length < 2;
}

function fail(problem) {
  leave();
  title.textContent = "This page can't be shown";
  for (const control of root.querySelectorAll(".turning, .zooming, .acting > *")) control.hidden = true;
  setPanel(true);
  panel.removeAttribute("aria-busy");
  const said = problem.status === 422 || problem.status === 404
    ? { detail: "The link leads to no page of this library.", hint: "A part of the link may be missing, or the document was changed or deleted. Search for it again." }
    : problem;
  panel.replaceChildren(problemBox(said));
}

function leave() {
  clearTimeout(hovering);
  shown = { page: "", q: "" };
  doc = null;
  matches = [];
  details.clear();
  reader.close();
  hits.show(null, "");
  bar.close();
}

function describe({ q }) {
  document.title = `${page.file}, page ${page.page_number} – maxsight`;
  title.textContent = title.title = page.file;
  total.textContent = `of ${page.page_count}`;
  box.size = String(page.page_count).length;
  source.href = page.links.source ?? "";
  source.hidden = page.source_state !== "available";
  reader.scroller.setAttribute("aria-label", `${page.file}, page ${page.page_number} of ${page.page_count}`);
  heatSwitch.hidden = !q;
}

function present(why, state, travels) {
  matches = why?.matches ?? [];
  heatSwitch.hidden = !matches.length;
  panel.replaceChildren(...about(page, why, state, { hover, pin: (word) => go({ word: word === null ? "" : String(word + 1) }, { replace: true }) }));
  panel.removeAttribute("aria-busy");
  pinned = undefined;
  pin(wordOf(state), travels);
}

function turnToNumber(event) {
  event.preventDefault();
  const wanted = doc?.pages.find(({ page_number }) => page_number === Number(box.value));
  if (wanted) {
    turnTo(wanted.page_id);
    reader.scroller.focus({ preventScroll: true });
  } else {
    announce(`There is no page ${box.value}`);
    box.select();
  }
}

function lead(control, step) {
  const to = doc?.pages[doc.pages.findIndex(({ page_id }) => page_id === reader.current?.id) + step];
  if (to) {
    control.href = address({ page: to.page_id });
    control.removeAttribute("role");
    control.removeAttribute("aria-disabled");
  } else {
    control.removeAttribute("href");
    control.setAttribute("role", "link");
    control.setAttribute("aria-disabled", "true");
  }
}

async function copyLink() {
  await navigator.clipboard.writeText(location.href);
  announce("The link is copied");
}

function rotate() {
  reader.zoom.turn();
  announce(`Rotated by ${90 * reader.zoom.turns} degrees`);
}

const print = () => doc && openPrinting(doc, reader.current.number, matches.length ? shown.q : "");

// Details ------------------------------------------------------------------------------------------------------

function setPanel(open) {
  root.toggleAttribute("data-panel", open);
  panelSwitch.setAttribute("aria-expanded", String(open));
}

function togglePanel() {
  setPanel(!root.hasAttribute("data-panel"));
}

// Heat ---------------------------------------------------------------------------------------------------------

const wordOf = ({ word }) => (word && Number(word) <= matches.length ? Number(word) - 1 : null);
let word = null; // the word whose heat is shown; null for all

function pin(chosen, travels = true) {
  if (chosen === pinned) return;
  pinned = chosen;
  pressWord(panel, chosen);
  showWord(chosen, travels);
}

function hover(pointed) {
  clearTimeout(hovering);
  hovering = setTimeout(() => showWord(pointed ?? pinned), HOVER_MS);
}

/** Show the heat of one word on all pages in sight, and its places on the page that is read; null for all words. */
function showWord(chosen, reveals = true) {
  word = chosen;
  for (const sheet of reader.seen) heatOf(sheet);
  mark(chosen === null ? null : matches[chosen], reveals);
}

function heatOf(sheet) {
  const isOn = shown.q && matches.length && heatSwitch.getAttribute("aria-pressed") === "true";
  sheet.showHeat(isOn ? addresses.heatmap(sheet.id, shown.q, word ?? "", HEAT_PX) : null, word ?? "all");
}

/** Outline a word's place, and all places that have it to the letter; without a word, bring the best match into sight. */
function mark(match, reveals) {
  const sheet = reader.byId.get(shown.page);
  if (!sheet) return;
  const outlined = (kind, regions) => regions.filter(Boolean).map((region) => element("div", { class: kind, style: placeOf(region) }));
  const best = match ?? matches.filter(({ common, region }) => !common && region).sort((one, other) => other.contrast - one.contrast)[0];
  const region = best?.region;
  spot.hidden = !region;
  spot.classList.toggle("hint-only", !match);
  further.replaceChildren(...(match ? [...outlined("spot", match.more),
    ...outlined("spot also", match.places.slice(1).flatMap((other) => [other.region, ...other.more]))] : []));
  sheet.marks.spots.replaceChildren(further, spot);
  reader.chosen = region ? spot : null;
  if (!region) return;
  place(spot, placeOf(region));
  spot.firstChild.textContent = best.word;
  spot.classList.toggle("below", region.y0 < 0.04);
  if (reveals) reader.reveal(spot);
}

export function toggleHeat() {
  heatSwitch.setAttribute("aria-pressed", String(heatSwitch.getAttribute("aria-pressed") !== "true"));
  for (const sheet of reader.seen) heatOf(sheet);
}

// Keys ---------------------------------------------------------------------------------------------------------

const SCROLLS = { ArrowDown: 60, ArrowUp: -60, PageDown: "page", PageUp: "-page", " ": "page" };

/** Handle a key; true if it did something. */
export function pageKey(event) {
  const pans = reader.zoom.isWide && document.activeElement === reader.scroller;
  const follow = (control) => !pans && control.href && go(control.getAttribute("href"), { replace: true });
  const actions = {
    Escape: () => (bar.isOpen ? bar.close() : go(close.getAttribute("href"))),
    ArrowLeft: () => follow(previous),
    ArrowRight: () => follow(next),
    n: () => (bar.isOpen ? bar.step(1) : hits.step(1)),
    N: () => (bar.isOpen ? bar.step(-1) : hits.step(-1)),
    f: () => bar.open(),
    g: () => box.focus(),
    h: toggleHeat,
    r: rotate,
    t: () => thumbnails.toggle(),
    d: togglePanel,
    w: () => reader.zoom.fitTo("width"),
    "+": () => reader.zoom.in(),
    "=": () => reader.zoom.in(),
    "-": () => reader.zoom.out(),
    0: () => reader.zoom.fitTo("page"),
  };
  if (event.key in actions) return actions[event.key]() !== false;
  if (!(event.key in SCROLLS) || event.target !== document.body) return false;
  const way = SCROLLS[event.key];
  reader.scroller.scrollBy(0, typeof way === "number" ? way : (way === "page" ? 0.9 : -0.9) * reader.scroller.clientHeight);
  return true;
}

/** Handle Ctrl+F and Ctrl+P, since the browser knows only the pages that are drawn. A second Ctrl+F is the browser's. */
export function pageShortcut(event) {
  if (event.key === "f" && !bar.hasFocus) bar.open();
  else if (event.key === "p" && doc) print();
  else return false;
  return true;
}
