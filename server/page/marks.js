// Highlights. The server counts characters (code points), JavaScript counts UTF-16 units: an emoji
// is one there and two here.

import { make } from "./dom.js";

/** Return ascending offsets in characters as offsets in units. */
export function units(text, offsets) {
  if (!/[\ud800-\udfff]/.test(text)) return offsets;
  let character = 0;
  let unit = 0;
  return offsets.map((offset) => {
    for (; character < offset && unit < text.length; character += 1) {
      unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
    }
    return unit;
  });
}

/** Return the spans of a snippet as spans of the passage that it is cut from. */
export function spansIn(passage, { snippet, highlights }) {
  const line = snippet.replace(/^\u2026 | \u2026$/g, "");
  const at = passage.replaceAll(/\s/g, " ").indexOf(line);
  if (at < 0) return [];
  const shift = [...passage.slice(0, at)].length - (snippet.startsWith("\u2026 ") ? 2 : 0);
  return highlights.map((span) => span.map((offset) => offset + shift));
}

/** Return a text as nodes, its spans [start, end) in <mark>. */
export function marked(text, spans) {
  const edges = [0, ...units(text, spans.flat()), text.length];
  return edges.slice(1).map((edge, index) => {
    const part = text.slice(edges[index], edge);
    return index % 2 ? make("mark", {}, part) : document.createTextNode(part);
  });
}
