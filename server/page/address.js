// What is shown stands in the URL, so that it can be kept, sent, and gone back to.

/** Return what a URL asks for: words, filters, and the document that is open. */
export function read(url = location.href) {
  const parameters = new URL(url).searchParams;
  return {
    q: parameters.get("q") ?? "",
    folder: parameters.getAll("folder"),
    type: parameters.getAll("type"),
    doc: parameters.get("doc"),
    at: (parameters.get("at") ?? "0-0").split("-").map((number) => Number.parseInt(number, 10) || 0),
  };
}

/** Return the URL of what is shown, or of `changes` to it. */
export function link(shown, changes = {}) {
  const { q, folder, type, doc, at } = { ...shown, ...changes };
  const parameters = new URLSearchParams();
  if (q) parameters.set("q", q);
  for (const value of folder) parameters.append("folder", value);
  for (const value of type) parameters.append("type", value);
  if (doc !== null) parameters.set("doc", doc);
  if (doc !== null && at[1]) parameters.set("at", at.join("-"));
  return `${location.pathname}${parameters.size ? `?${parameters}` : ""}`;
}

/** Return the expression of the filter language that the chosen values mean. */
export function filter({ folder, type }) {
  return [
    ...folder.map((value) => `path:"${withoutQuotes(value)}"`),
    ...type.map((value) => `type:"${value.replaceAll('"', "")}"`),
  ].join(" ");
}

// A value cannot hold a quote; ? stands for any character, but then also for itself alone.
const withoutQuotes = (path) => (path.includes('"') ? `${path.replaceAll('"', "?")}/*` : path);

/** Return words as they are being typed: the last one may go on. */
export function unfinished(q) {
  const quotes = q.split('"').length - 1;
  return quotes % 2 === 0 && /(^|\s)[\p{L}\p{N}]{2,}$/u.test(q) ? `${q}*` : q;
}
