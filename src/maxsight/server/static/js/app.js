// The whole page: each change of the address is passed to the parts, which show it.

import { current, follow, notify } from "./address.js";
import { announce, find } from "./dom.js";
import { showHome } from "./home.js";
import { pageKey, pageShortcut, showPage } from "./reader/page.js";
import { focusSearch, forgetResults, leaveResults, returnToResults, showResults, stepResults } from "./search.js";
import { stored } from "./stored.js";
import { offerUploads, resumeJobs } from "./uploads.js";
import "./session.js";

const viewOf = ({ q, page }) => (page ? "page" : q ? "results" : "home");

let before = { view: "", page: "" };

follow((state) => {
  const view = viewOf(state);
  if (before.view === "results" && view === "page") leaveResults();
  document.body.dataset.view = view;
  document.body.toggleAttribute("data-asked", Boolean(state.q));
  if (view !== "page") document.title = state.q ? `${state.q} – maxsight` : "maxsight";
  showPage(state);
  const searched = showResults(state);
  if (view === "home") showHome(state);
  if (before.view === "page" && view === "results") searched.then(() => returnToResults(before.page));
  before = { view, page: state.page || before.page };
});

addEventListener("library-changed", () => {
  forgetResults();
  if (viewOf(current()) === "home") showHome(current());
});

addEventListener("keydown", (event) => {
  const view = document.body.dataset.view;
  if (event.altKey || document.querySelector("dialog[open], :popover-open")) return;
  if (event.ctrlKey || event.metaKey) {
    if (view === "page" && pageShortcut(event)) event.preventDefault();
    return;
  }
  const typing = event.target.matches("input, textarea, select");
  if (event.key === "/" && !typing) focusSearch();
  else if (view === "page" && !typing && pageKey(event)) event.stopPropagation();
  else if (view === "results" && event.key === "ArrowDown") stepResults(1);
  else if (view === "results" && event.key === "ArrowUp" && !typing) stepResults(-1);
  else return;
  event.preventDefault();
});

// Colours ----------------------------------------------------------------------------------------------------

const THEMES = ["auto", "light", "dark"];
const root = document.documentElement;
const theme = find("#theme");

function label() {
  theme.setAttribute("aria-label", `Colours: ${root.dataset.theme === "auto" ? "as the system has them" : root.dataset.theme}`);
  theme.title = theme.getAttribute("aria-label");
}

theme.addEventListener("click", () => {
  root.dataset.theme = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
  stored.set("theme", root.dataset.theme);
  label();
  announce(theme.title);
});
label();

find("#open-keys").addEventListener("click", () => find("#keys").showModal());
notify();
offerUploads().then(resumeJobs, () => {}); // the view shows the error
