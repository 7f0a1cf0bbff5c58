// The list of results. An element stays with its passage, so that what moves can be seen to move.

import { find, make } from "./dom.js";
import { arrow, moved, stages } from "./explain.js";
import { marked } from "./marks.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");
let items = new Map(); // "document passage" -> Item

class Item {
  constructor() {
    this.title = make("a", { class: "title", dir: "auto" });
    this.side = make("span", { class: "side" });
    this.place = make("p", { class: "place", dir: "auto" });
    this.snippet = make("p", { class: "snippet", dir: "auto" });
    this.badge = make("span", { class: "badge" });
    this.why = make("div", {});
    const details = make("details", { class: "why" }, make("summary", {}, "Why here", this.badge), this.why);
    this.node = make("li", { class: "result" }, make("h3", {}, this.title, this.side), this.place, this.snippet, details);
  }

  update(result, href) {
    this.title.textContent = nameOf(result);
    this.title.href = href;
    const arrows = arrow(moved(result));
    this.side.replaceChildren(...(arrows ? [arrows] : []));
    this.place.replaceChildren(...place(result));
    this.snippet.replaceChildren(...marked(result.snippet, result.highlights));
    this.badge.textContent = result.relevance === null ? "" : `relevance ${Math.round(100 * result.relevance)} %`;
    this.why.replaceChildren(stages(result));
  }
}

/** Return a document's name: all records of a file have its path, but each an id. */
export const nameOf = ({ title, document }) => title || document;

/** Return where a passage stands: path, headings, page. */
export function place({ path, document, heading, page, stale }) {
  const parts = [path || document, heading?.replaceAll(" > ", " \u203a "), page === null || page === undefined ? "" : `page ${page}`];
  const nodes = parts.filter(Boolean).map((part) => make("span", {}, part));
  if (stale) nodes.push(make("span", { class: "stale" }, "changed since it was indexed"));
  return nodes;
}

/** Show results; with `slide`, those that were there already glide to their new place. */
export function showResults(results, hrefOf, slide) {
  const tops = new Map([...items].map(([key, { node }]) => [key, node.getBoundingClientRect().top]));
  const focused = document.activeElement;
  const list = find("results");
  const keys = results.map((result) => `${result.document}\n${result.passage}`);
  const next = new Map(results.map((result, index) => [keys[index], items.get(keys[index]) ?? new Item()]));
  results.forEach((result, index) => next.get(keys[index]).update(result, hrefOf(result)));
  if ([...items.keys()].join("\n\n") !== keys.join("\n\n")) {
    list.replaceChildren(...[...next.values()].map(({ node }) => node));
    if (list.contains(focused)) focused.focus({ preventScroll: true });
  }
  items = next;
  if (slide && !still.matches) glide(tops);
}

function glide(tops) {
  const timing = { duration: 420, easing: "cubic-bezier(0.2, 0.8, 0.2, 1)" };
  for (const [key, { node }] of items) {
    const way = tops.has(key) ? tops.get(key) - node.getBoundingClientRect().top : null;
    if (way === null) node.animate({ opacity: [0, 1] }, timing);
    // Those that rise pass over those that sink.
    const zIndex = way > 0 ? [1, 1] : [0, 0];
    if (way) node.animate({ transform: [`translateY(${way}px)`, "none"], zIndex }, timing);
  }
}

/** Move the focus from one result to another; past the first one is the search box. */
export function step(by) {
  const titles = [...find("results").querySelectorAll(".title")];
  const at = titles.indexOf(document.activeElement?.closest("li")?.querySelector(".title"));
  const target = at + by < 0 ? find("query") : titles[Math.min(at + by, titles.length - 1)];
  target?.focus();
  target?.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" });
}
