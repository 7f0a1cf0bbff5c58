// What a person is told when there is more to say than results.

import { find, make } from "./dom.js";
import { Unreachable } from "./server.js";

const DEGRADED = {
  reranker_unavailable: "The second stage cannot work now: this is the order of the first.",
  budget: "The second stage ran out of time: some of these are in the order of the first.",
  queue: "The second stage is busy: some of these are in the order of the first.",
  lexical_failed: "The search by words (BM25) failed: these were found by meaning alone.",
  dense_failed: "The search by meaning failed: these were found by their words alone.",
};

function notice(kind, title, text, ...more) {
  const role = kind === "fault" ? "alert" : "status";
  const said = make("div", { class: `notice ${kind}`, role }, make("p", { class: "what" }, title), text ? make("p", {}, text) : null, ...more);
  find("notice").replaceChildren(said);
}

/** Take back what was said; what is said of every answer may `stay` until the next one. */
export function clearNotice(stay = "") {
  for (const said of [...find("notice").children]) if (!stay || !said.matches(stay)) said.remove();
}

/** Say what an answer is not, and what the engine decided by itself. */
export function showNotes({ degraded, degraded_reason: reason, notes }) {
  const list = notes.length ? make("ul", {}, ...notes.map((note) => make("li", {}, note))) : null;
  if (degraded) notice("degraded", DEGRADED[reason] ?? `Part of the search did not work: ${reason}.`, null, list);
  else if (list) notice("notes", "Good to know", null, list);
  else clearNotice();
}

/** Say that there is nothing; with filters, offer to do without. */
export function showNothing(shown, withoutFilters) {
  const narrowed = shown.folder.length + shown.type.length > 0;
  const button = make("button", { type: "button", onclick: withoutFilters }, "Search without filters");
  const advice = narrowed ? "No document with these filters answers this." : "Try other words, or fewer signs like \" + and -.";
  notice("empty", "Nothing found", advice, narrowed ? button : null);
}

/**
 * Say why there is no answer, or `half` of one: the order of stage one.
 * Return the seconds after which to ask again, or null.
 */
export function showFault(error, half, again) {
  const button = make("button", { type: "button", onclick: again }, "Try again");
  if (error instanceof Unreachable) {
    const why = navigator.onLine ? "It may have been stopped." : "This device is offline.";
    notice("fault", "The server does not answer", `${why} Asking again every few seconds.`, button);
    return 3;
  }
  if (error.stage === "loading") {
    notice("loading", "Getting ready", "The index and its models are being loaded. This page goes on by itself.");
    return error.wait ?? 2;
  }
  const title = { 422: "That cannot be asked", 429: "Too many requests", 503: "The server cannot answer now" }[error.status];
  const shown = half ? "Not reranked: this is the order of the first stage" : title ?? "Something went wrong";
  const detail = error.message.replace(/^./, (first) => first.toUpperCase());
  notice(half ? "degraded" : "fault", shown, `${detail}.`, error.status === 422 ? null : button);
  return error.wait;
}
