// A model's answer to the question, shown as it comes. Nothing is sent to the model before the button is pressed.

import { address } from "./address.js";
import { Problem, api } from "./api.js";
import { announce, element, icon } from "./dom.js";
import { note, problemBox } from "./message.js";

let running = null;
let shown = null; // the box of `question`
let question = "";

/** The box for an answer to the state's question. It stays the same while the question does. Empty without a model. */
export function answerBox(state, model) {
  const asked = JSON.stringify([state.q, state.filter, state.names]);
  if (!model) return "";
  if (asked === question) return shown;
  forgetAnswer();
  question = asked;
  shown = element("section", { class: "answer", "aria-label": "Answer" });
  offer(shown, state, model);
  return shown;
}

/** End the running answer, and forget its box. */
export function forgetAnswer() {
  running?.abort();
  running = null;
  question = "";
}

function offer(box, state, model) {
  box.replaceChildren(
    element("button", { type: "button", on: { click: () => ask(box, state, model) } }, icon("answer"), "Answer in words"),
    element("p", { class: "hint" }, `The best pages are sent to ${model}.`));
}

async function ask(box, state, model) {
  const own = (running = new AbortController());
  const title = element("h2", { tabindex: "-1" }, "Answer");
  const said = element("p", { class: "said" });
  const stop = element("button", { type: "button", on: { click: () => own.abort() } }, "Stop");
  box.replaceChildren(element("header", {}, title, element("span", { class: "hint" }, model), stop), said);
  box.setAttribute("aria-busy", "true");
  title.focus();
  announce("The answer is coming");
  try {
    await showAnswer(api.ask(state, own.signal), box, said);
  } catch (problem) {
    if (problem.name === "AbortError") box.append(note("Stopped: this is not the whole answer."));
    else if (problem.status !== 401) box.append(problemBox(problem, () => ask(box, state, model)));
  } finally {
    if (stop === document.activeElement) title.focus();
    stop.remove();
    box.removeAttribute("aria-busy");
  }
}

/** Show the answer as it comes. A screen reader gets it at the end: for each part it would start again. */
async function showAnswer(events, box, said) {
  let sources = [];
  for await (const [name, data] of events) {
    if (name === "sources") {
      sources = data.sources;
      box.append(...data.notices.map(note));
    } else if (name === "text") said.append(data.text);
    else if (name === "citation") said.append(citation(data, sources));
    else if (name === "error") throw new Problem(data);
    else if (name === "done") {
      box.append(...data.notes.map(note), sourceList(sources.filter(({ number }) => data.cited.includes(number))));
      announce(data.answer);
      return;
    }
  }
  throw new Problem({ detail: "The answer broke off.", hint: "Ask again." });
}

const pageOf = ({ path, page_number }) => `${path.split("/").pop()}, page ${page_number}`;

function citation({ number, page_id }, sources) {
  if (!page_id) return `[${number}: no such page]`;
  const source = sources.find((one) => one.number === number);
  return element("a", { class: "citation", href: address({ page: page_id, word: "" }), title: pageOf(source), "aria-label": `Source ${number}: ${pageOf(source)}` }, `[${number}]`);
}

const sourceList = (cited) =>
  element("ol", { class: "sources", "aria-label": "Sources" }, cited.map((source) =>
    element("li", {}, `[${source.number}] `, element("a", { href: address({ page: source.page_id, word: "" }), title: source.path }, pageOf(source)))));
