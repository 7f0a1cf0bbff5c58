// Talks to the server: JSON in, JSON out, problems (RFC 9457) as errors, the API key in this tab.

import { filter, unfinished } from "./address.js";
import { askForKey } from "./key.js";

const KEY = "shortlist-key";
const FACETS = ["folder", "type"];
const AROUND = 200_000; // characters of a document on either side of a passage

/** The server answered, but not with what was asked for. */
export class Refused extends Error {
  constructor(status, problem, wait) {
    super(problem.detail ?? `the server answered with status ${status}`);
    this.status = status;
    this.stage = problem.stage ?? null; // while there is no engine: loading, failed or stopped
    this.wait = wait; // seconds until it is worth asking again, or null
  }
}

/** No answer came: the server was stopped, or the way to it is broken. */
export class Unreachable extends Error {}

async function send(path, body, signal) {
  const key = sessionStorage.getItem(KEY);
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  if (body) headers["Content-Type"] = "application/json";
  const method = body ? "POST" : "GET";
  const request = { method, headers, signal, body: body && JSON.stringify(body) };
  const response = await fetch(path, request).catch((error) => {
    throw signal?.aborted ? error : new Unreachable(error.message);
  });
  if (response.status === 401) {
    sessionStorage.setItem(KEY, await askForKey(key !== null));
    signal?.throwIfAborted();
    return send(path, body, signal);
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  const wait = Number.parseInt(response.headers.get("Retry-After"), 10);
  throw new Refused(response.status, await response.json().catch(() => ({})), wait || null);
}

const search = (shown, signal, asked) =>
  send("search", { query: shown.q, filter: filter(shown), explain: true, ...asked }, signal);

/** Return the order of stage one, and counts for the filters; `typing`: the last word goes on. */
export async function stageOne(shown, k, typing, signal) {
  const query = typing ? unfinished(shown.q) : shown.q;
  const asked = { query, rerank: false, record: false };
  // What is chosen in a facet must not hide what else could be: its own counts leave it out.
  const open = FACETS.filter((name) => shown[name].length);
  const [answer, ...others] = await Promise.all([
    search(shown, signal, { ...asked, k, facets: FACETS }),
    ...open.map((name) =>
      search({ ...shown, [name]: [] }, signal, { ...asked, k: 1, facets: [name], fields: ["rank"], explain: false }),
    ),
  ]);
  for (const name of FACETS) {
    const { facets, total_candidates: total } = others[open.indexOf(name)] ?? answer;
    answer.facets[name] = { ...facets[name], total };
  }
  return answer;
}

/** Return the order of both stages. */
export const bothStages = (shown, k, signal) => search(shown, signal, { k });

/** Tell a server that learns from it (--feedback) which result was opened. */
export function opened({ search_id: id }, { document, passage }) {
  if (id) send("feedback", { search_id: id, document, passage, kind: "click" }).catch(console.warn);
}

/** Return a document, and its text around [start, end). */
export function readDocument(id, start, end, signal) {
  const parameters = new URLSearchParams({ start: Math.max(0, start - AROUND), end: end + AROUND });
  return send(`documents/${encodeURIComponent(id)}?${parameters}`, null, signal);
}

/** Come back if searches are answered, else raise Refused. */
export const ready = (signal) => send("readyz", null, signal);
