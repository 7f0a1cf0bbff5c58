// The page: the URL says what is shown, typing and clicking change it, and answers follow.
//
// A search asks twice. Stage one answers within milliseconds and is shown at once; the order of
// both stages slides in when it is there. Whatever is asked next ends what is still under way.

import * as address from "./address.js";
import { count, find } from "./dom.js";
import { showFilters } from "./filters.js";
import { clearNotice, showFault, showNotes, showNothing } from "./notices.js";
import { closeReader, openReader } from "./reader.js";
import { showResults, step } from "./results.js";
import { bothStages, opened, ready, stageOne } from "./server.js";
import { timings } from "./timings.js";

const TYPING = 90; // ms without a key after which stage one is asked
const RESTING = 350; // ms more after which stage two is
const PAGE = 20; // results, and as many more each time

const box = find("query");
let shown = address.read();
let answer = null;
let k = PAGE;
let work = new AbortController();
let timer = 0;
let failures = 0; // in a row
let settled = true; // what is shown has its own place in the history

async function search({ typing = false, first = true } = {}) {
  work.abort();
  clearTimeout(timer);
  work = new AbortController();
  const { signal } = work;
  let half = !first; // the order of stage one is shown
  document.body.classList.toggle("home", !shown.q.trim());
  document.title = shown.q.trim() ? `${shown.q} \u2013 Shortlist` : "Shortlist";
  try {
    if (!shown.q.trim()) return await rest(signal);
    busy("stage one");
    if (first) {
      show(await stageOne(shown, k, typing, signal), false);
      half = true;
      await pause(typing ? RESTING : 0, signal);
    }
    busy("stage two");
    show(await bothStages(shown, k, signal), true);
    settled = true;
    failures = 0;
    tell();
  } catch (error) {
    if (signal.aborted) return;
    const again = () => search({ first: !half });
    const seconds = showFault(error, half, again);
    // A server that is busy is asked less and less often, one that loads is not busy.
    failures = error.stage ? 0 : failures + 1;
    if (seconds) timer = setTimeout(again, 1000 * Math.max(seconds, Math.min(2 ** failures, 15)));
  }
  busy("");
}

/** Show that there is nothing to search for yet; say so if the server is not ready either. */
async function rest(signal) {
  answer = null;
  find("found").hidden = true;
  find("said").textContent = "";
  clearNotice();
  await ready(signal);
  clearNotice();
  busy("");
}

function show(next, last) {
  if (!last) scrollTo(0, 0);
  if (!last) showFilters(next, shown, (name, values) => go({ [name]: values }));
  const hrefOf = ({ document, start, end }) => address.link(shown, { doc: document, at: [start, end] });
  showResults(next.results, hrefOf, last && answer !== null);
  answer = next;
  find("found").hidden = false;
  find("more").hidden = !last || next.results.length < k || next.total_candidates <= k;
  const reranked = next.results.some(({ stage }) => stage === "reranked");
  const order = reranked ? "reranked" : last ? "not reranked" : "not yet reranked";
  const text = `${next.results.length} of ${count(next.total_candidates, "candidate")}, ${order}`;
  find("summary").replaceChildren(text, timings(next.timings_ms));
  find("summary").hidden = !next.results.length;
  if (!last) clearNotice(".notes, .degraded, .empty");
  else if (next.results.length) showNotes(next);
  else showNothing(shown, () => go({ folder: [], type: [] }));
}

/** Tell those who do not see the list what became of it, once it stands. */
function tell() {
  const { results, total_candidates: total } = answer;
  find("said").textContent = results.length ? `${results.length} results of ${count(total, "candidate")}` : "Nothing found";
}

function busy(stage) {
  find("busy").className = stage ? "on" : "";
  find("results").setAttribute("aria-busy", stage !== "");
}

function pause(ms, signal) {
  return new Promise((over, gone) => {
    setTimeout(over, ms);
    signal.addEventListener("abort", () => gone(signal.reason), { once: true });
  });
}

/** Change what is shown, as something to come back from. */
function go(changes) {
  shown = { ...shown, ...changes };
  history.pushState({ within: true }, "", address.link(shown));
  k = PAGE;
  search();
}

/** Show what the URL says: on arrival, and after the back button. */
function arrive() {
  const before = address.link(shown, { doc: null });
  shown = address.read();
  if (box.value !== shown.q) box.value = shown.q;
  if (shown.doc !== null) openReader(shown.doc, shown.at, resultAt(shown));
  else if (find("reader").open) closeReader();
  if (answer !== null && address.link(shown, { doc: null }) === before) return;
  k = PAGE;
  search();
}

function resultAt({ doc, at }) {
  return answer?.results.find(({ document, start }) => document === doc && start === at[0]);
}

box.addEventListener("input", () => {
  const url = address.link(shown, { q: box.value });
  // The words before these are worth going back to, each letter on the way is not.
  if (settled && shown.q) history.pushState({ within: true }, "", url);
  else history.replaceState(history.state, "", url);
  settled = false;
  shown = { ...shown, q: box.value };
  k = PAGE;
  work.abort();
  clearTimeout(timer);
  timer = setTimeout(search, TYPING, { typing: true });
});

find("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  if (matchMedia("(pointer: coarse)").matches) box.blur(); // the keyboard covers the results
  if (settled && answer) step(1);
  else search();
});

find("results").addEventListener("click", (event) => {
  // The whole result opens, but text in it can be selected, and a link can open elsewhere.
  if (event.target.closest("details") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (getSelection().type === "Range") return;
  event.preventDefault();
  const title = event.target.closest("li").querySelector(".title");
  title.focus();
  history.pushState({ within: true }, "", title.href);
  arrive();
  opened(answer, resultAt(shown));
});

find("more").addEventListener("click", () => {
  k += PAGE;
  search({ first: false });
});

find("reader").addEventListener("close", () => {
  if (shown.doc === null) return;
  if (history.state?.within) history.back();
  else {
    shown = { ...shown, doc: null };
    history.replaceState(null, "", address.link(shown));
  }
});

find("reader").addEventListener("click", (event) => {
  if (event.target.id === "reader") closeReader(); // beside it
});

find("reader-close").addEventListener("click", closeReader);

addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  if (document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.isComposing) return; // the arrows choose a character
  if (event.key === "/" && !typing) box.select();
  else if (event.key === "Escape" && event.target !== box) box.focus();
  else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && (!typing || event.target === box)) {
    step(event.key === "ArrowDown" ? 1 : -1);
  } else return;
  event.preventDefault();
});

addEventListener("popstate", arrive);
addEventListener("online", () => search());

const wide = matchMedia("(min-width: 60rem)");
const fold = () => (find("filters").open = wide.matches);
wide.addEventListener("change", fold);
fold();
arrive();
