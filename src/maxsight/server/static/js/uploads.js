// Adding files: drop or choose them, send them, and follow their indexing.

import { OWN, Problem, addresses, api, problemOf } from "./api.js";
import { announce, element, find, icon, place } from "./dom.js";
import { bytes, count, duration } from "./format.js";
import { problemBox } from "./message.js";
import { libraryStatus, announceLibraryChange } from "./status.js";

const tray = find("#uploads");
const chooser = find("#files");
const shade = find("#drop");
const AGAIN_MS = 2000;
const ENDED = new Set(["done", "cancelled", "failed"]);

find("#add").addEventListener("click", () => chooser.click());
chooser.addEventListener("change", () => {
  send([...chooser.files]);
  chooser.value = "";
});

/** Offer to add the files that the library accepts; none if it is read-only. */
export async function offerUploads() {
  const { accepts, read_only } = await libraryStatus();
  chooser.accept = accepts.join(",");
  find("#add").hidden = read_only;
}

/** Follow the running jobs, as after a reload of the page. */
export async function resumeJobs() {
  const { items } = await api.jobs().catch(() => ({ items: [] }));
  for (const job of items.filter(({ state }) => !ENDED.has(state))) new Card().follow(job);
}

async function send(files) {
  if (!files.length) return;
  const card = new Card(`Sending ${count(files.length, "file")}`);
  try {
    checkLimits(files, await libraryStatus());
    card.follow(await upload(files, card));
  } catch (problem) {
    card.fail(problem);
  }
}

/** The server checks the same, but a browser sees only a closed connection. */
function checkLimits(files, { upload_bytes: maxBytes, upload_files: maxFiles }) {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (size > maxBytes) throw new Problem({ status: 413, title: `These are ${bytes(size)}, and ${bytes(maxBytes)} can be added at once`, hint: "Add them in smaller groups, or index them at their place: maxsight index" });
  if (files.length > maxFiles) throw new Problem({ status: 413, title: `These are ${count(files.length, "file")}, and ${maxFiles} can be added at once`, hint: "Add them in smaller groups, or index the folder: maxsight index" });
}

/** Send files with progress, which fetch does not report. */
function upload(files, card) {
  const form = new FormData();
  for (const file of files) form.append("files", file);
  const sending = new XMLHttpRequest();
  sending.responseType = "json";
  sending.open("POST", addresses.upload);
  for (const [name, value] of Object.entries(OWN)) sending.setRequestHeader(name, value);
  card.onCancel(() => sending.abort());
  return new Promise((resolve, reject) => {
    sending.upload.addEventListener("progress", ({ loaded, total }) => card.progress(loaded / total, `${bytes(loaded)} of ${bytes(total)}`));
    sending.addEventListener("load", async () => {
      if (sending.status < 300) resolve(sending.response);
      else reject(await problemOf(sending.status, () => sending.response ?? {}));
    });
    sending.addEventListener("error", () => reject(new Problem({ title: "The files did not arrive", hint: "Check that the server is running, then drop them again." })));
    sending.addEventListener("abort", () => reject(new Problem({ title: "Cancelled before the files were sent" })));
    sending.send(form);
  });
}

/** One job, as a card in the tray. */
class Card {
  constructor(title = "Indexing") {
    this.title = element("h3", {}, title);
    this.bar = element("progress", { max: "1", value: "0", "aria-label": title });
    this.said = element("p", { class: "hint" });
    this.files = element("ul", { class: "files" });
    this.cancel = element("button", { type: "button" }, "Cancel");
    this.dismiss = element("button", { type: "button", class: "quiet icon-only", "aria-label": "Close", hidden: true, on: { click: () => this.root.remove() } }, icon("close"));
    this.root = element("section", { class: "job" }, element("header", {}, this.title, this.cancel, this.dismiss), this.bar, this.said, this.files);
    tray.append(this.root);
  }

  onCancel(action) {
    this.cancel.onclick = () => {
      this.cancel.disabled = true;
      action();
    };
  }

  progress(share, said) {
    this.bar.value = share;
    this.said.textContent = said;
  }

  follow({ job_id: id }) {
    this.onCancel(() => api.cancel(id).catch((problem) => this.fail(problem)));
    const events = new EventSource(addresses.events(id));
    const read = (job) => {
      this.show(job);
      if (ENDED.has(job.state)) {
        events.close();
        this.end(job);
      }
    };
    for (const name of ["message", "progress", "indexed", "skipped", "done"]) events.addEventListener(name, ({ data }) => read(JSON.parse(data)));
    events.addEventListener("error", () => {
      if (events.readyState !== EventSource.CLOSED) return; // the browser tries again
      api.job(id).then((job) => {
        read(job);
        if (!ENDED.has(job.state)) setTimeout(() => this.follow(job), AGAIN_MS);
      }, (problem) => this.fail(problem, "The indexing can't be followed"));
    });
  }

  show(job) {
    const numbers = [
      job.pages > 0 && count(job.pages, "page"),
      job.judged > 0 && count(job.judged, "page judged", "pages judged"),
      job.pages_per_s > 0 && `${job.pages_per_s.toFixed(1)} pages/s`,
      job.remaining_s != null && job.state === "running" && `about ${duration(job.remaining_s)} left`,
    ];
    this.title.textContent = job.state === "queued" ? "Waiting for its turn" : `Indexing ${count(job.files.length, "file")}`;
    this.progress(job.share, numbers.filter(Boolean).join(" · "));
    this.bar.setAttribute("aria-label", this.title.textContent);
    this.files.replaceChildren(...job.files.map(fileLine));
  }

  end(job) {
    const done = job.files.filter(({ state }) => state === "indexed").length;
    const pages = job.files.reduce((sum, file) => sum + file.pages, 0);
    const known = job.files.filter(({ state }) => state === "unchanged").length;
    const skipped = job.files.filter(({ state }) => state === "skipped").length;
    const said = {
      done: known && !done && !skipped ? `Nothing new: ${count(known, "file was", "files were")} here before`
        : [`${count(done, "file")} added`, known && `${known} here before`, skipped && `${skipped} skipped`].filter(Boolean).join(", "),
      cancelled: `Cancelled; ${count(done, "file")} added`,
      failed: "Indexing stopped",
    }[job.state];
    this.#close(said);
    this.said.textContent = pages ? `${count(pages, "page")} can be found now` : "";
    if (job.error) this.root.append(problemBox(job.error));
    announce(said);
    announceLibraryChange();
  }

  fail(problem, title = problem.status ? "The files were not added" : problem.title) {
    this.#close(title);
    if (problem.status || problem.hint) this.root.append(problemBox(problem));
    announce(problem.message);
  }

  #close(title) {
    this.title.textContent = title;
    this.bar.hidden = true;
    this.cancel.hidden = true;
    this.dismiss.hidden = false;
  }
}

const STATES = { waiting: "", indexed: "added", unchanged: "already there", skipped: "skipped" };

function fileLine({ file, state, pages, reason, hint, problems = [] }) {
  const more = [reason && `${reason}. ${hint ?? ""}`, ...problems.map((problem) => `Page ${problem.page_number}: ${problem.reason}`)].filter(Boolean);
  return element("li", { class: state },
    icon({ skipped: "alert", waiting: "minus" }[state] ?? "check"),
    element("span", { class: "file" }, file),
    element("span", { class: "state" }, state === "indexed" ? count(pages, "page") : STATES[state] ?? state),
    more.map((text) => element("small", {}, text)));
}

// Dropping ---------------------------------------------------------------------------------------------------

const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");

addEventListener("dragenter", (event) => {
  if (holdsFiles(event)) shade.hidden = false;
});
addEventListener("dragover", (event) => {
  if (holdsFiles(event)) event.preventDefault();
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) shade.hidden = true;
});
addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  shade.hidden = true;
  send([...event.dataTransfer.files]);
});
