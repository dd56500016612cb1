// The API. Every error is a Problem with the server's own text.

/** An error as the server describes it: what happened, and what to do next. */
export class Problem extends Error {
  constructor({ status = 0, title = "Something went wrong", detail = "", hint = "", type = "" }) {
    super(detail || title);
    Object.assign(this, { status, title, detail, hint, type });
  }
}

const UNREACHABLE = new Problem({
  title: "The server does not answer",
  hint: "Check that `maxsight serve` is running, then try again.",
});

/** Required for changes: no form of another site can send this header. */
export const OWN = { "X-Requested-With": "maxsight" };

let onSignedOut = () => {};

export function whenSignedOut(listener) {
  onSignedOut = listener;
}

export async function request(path, options) {
  const answer = await send(path, options);
  return answer.status === 204 ? null : answer.json();
}

async function send(path, { method = "GET", body, signal } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      signal,
      headers: { Accept: "application/json", ...(method !== "GET" && OWN), ...(body && { "Content-Type": "application/json" }) },
      body: body && JSON.stringify(body),
    });
  } catch (error) {
    throw error.name === "AbortError" ? error : UNREACHABLE;
  }
  if (answer.ok) return answer;
  throw await problemOf(answer.status, () => answer.json());
}

/** The server-sent events of an answer, as [name, data]. */
async function* events(answer) {
  const chunks = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  try {
    for (let { value, done } = await chunks.read(); !done; { value, done } = await chunks.read()) {
      const blocks = (waiting + value).split(/\r?\n\r?\n/);
      waiting = blocks.pop();
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split(/\r?\n/).map((line) => [line.split(":", 1)[0], line.replace(/^\w*: ?/, "")]));
        if (fields.data) yield [fields.event, JSON.parse(fields.data)];
      }
    }
  } catch (error) {
    throw error.name === "AbortError" ? error : UNREACHABLE;
  }
}

/** The problem of a failed answer. Without a session the sign-in dialog opens. */
export async function problemOf(status, read) {
  const problem = await Promise.resolve().then(read).catch(() => ({}));
  if (status === 401) onSignedOut();
  return new Problem({ ...problem, status });
}

const query = (parameters) =>
  new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value != null)).toString();

export const api = {
  search: ({ q, filter, top, names, group, exact }, signal) =>
    request(`/v1/search?${query({ q, filter, top_k: top, names, group, exact })}`, { signal }),
  ask: async function* ({ q, filter, names }, signal) {
    const body = { question: q, filter: filter || null, names: !names };
    yield* events(await send("/v1/ask", { method: "POST", body, signal }));
  },
  library: () => request("/v1/library"),
  documents: (cursor = "", limit = 50) => request(`/v1/documents?${query({ limit, cursor })}`),
  document: (id) => request(`/v1/documents/${id}`),
  find: (id, text) => request(`/v1/documents/${id}/find?${query({ text })}`),
  remove: (id) => request(`/v1/documents/${id}`, { method: "DELETE" }),
  page: (id) => request(`/v1/pages/${id}`),
  explanation: (id, q) => request(`/v1/pages/${id}/explanation?${query({ q })}`),
  jobs: () => request("/v1/jobs"),
  job: (id) => request(`/v1/jobs/${id}`),
  cancel: (id) => request(`/v1/jobs/${id}`, { method: "DELETE" }),
  signIn: (token) => request("/v1/session", { method: "POST", body: { token } }),
  signOut: () => request("/v1/session", { method: "DELETE" }),
};

export const addresses = {
  image: (id, width) => `/v1/pages/${id}/image?${query({ width })}`,
  heatmap: (id, q, word, width) => `/v1/pages/${id}/heatmap?${query({ q, word, width })}`,
  heatmapOnPage: (id, q, width) => `/v1/pages/${id}/heatmap?${query({ q, over: "page", width })}`,
  events: (job) => `/v1/jobs/${job}/events`,
  upload: "/v1/documents",
};
