// A document's text, open at a passage.

import { find, make } from "./dom.js";
import { marked, spansIn, units } from "./marks.js";
import { nameOf, place } from "./results.js";
import { readDocument } from "./server.js";

let reading = new AbortController();

/** Open a document at [start, end); `result` is what is known of it already, if anything. */
export async function openReader(id, [start, end], result) {
  reading.abort();
  reading = new AbortController();
  const { signal } = reading;
  const dialog = find("reader");
  const text = find("reader-text");
  head(result ?? { document: id });
  text.replaceChildren(make("p", { class: "soft" }, "Opening\u2026"));
  if (!dialog.open) dialog.showModal();
  find("reader-title").focus();
  try {
    const document = await readDocument(id, start, end, signal);
    head({ ...document, ...document.passages.find((passage) => passage.start === start) });
    show(text, document, [start, end], result);
  } catch (error) {
    if (signal.aborted) return;
    const said = error.status === 404 ? "This document is not in the index any more." : `It could not be opened: ${error.message}.`;
    text.replaceChildren(make("p", { role: "alert" }, said));
  }
}

function head(about) {
  find("reader-title").textContent = nameOf(about);
  find("reader-place").replaceChildren(...place(about));
}

function show(element, document, span, result) {
  const { text } = document;
  const [from, to] = units(text, span.map((offset) => offset - document.start));
  const said = text.slice(from, to);
  const passage = make("span", { id: "passage" }, ...marked(said, result ? spansIn(said, result) : []));
  const cut = (here) => (here ? make("p", { class: "cut" }, "The document goes on: only what stands around the passage is shown.") : "");
  element.replaceChildren(cut(document.start > 0), text.slice(0, from), passage, text.slice(to), cut(document.end < document.length));
  (passage.querySelector("mark") ?? passage).scrollIntoView({ block: "center" });
}

export function closeReader() {
  reading.abort();
  find("reader").close();
}
