# pyright: basic
"""HTML (LEAF selectolax): what a person reads of a page, under its headings.

The parser is the one of a browser (Lexbor), so any markup gives a tree. Scripts, styles and what
repeats on every page of a site (navigation, side bars, footers) are no text of the document.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser, LexborNode

from indexer.extract import text
from indexer.extract.dates import seconds
from indexer.extract.draft import Draft, one_line, plain
from indexer.extract.kinds import words

if TYPE_CHECKING:
    from engine.types import MetadataValue
    from indexer.types import Extracted

_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w-]+)""", re.IGNORECASE)
_UNREAD = (
    "script, style, noscript, template, svg, math annotation, iframe, object, canvas, nav, aside, "
    "button, select, textarea, [hidden], [role=navigation], [role=search], body > footer, "
    "body > div > footer"
)
_SELF_LINKS = "a.headerlink, a[class*=anchor]"
_BLOCKS = words(
    "address article blockquote body caption dd details div dl dt fieldset figcaption figure "
    "footer form header hr li main ol p pre section summary table tbody tfoot thead tr ul"
)
_PARTED = frozenset(
    ["article", "blockquote", "dl", "figure", "ol", "p", "pre", "section", "table", "ul"]
)
_ANCHORS = frozenset("#¶§🔗") | {""}
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_SPACES = re.compile(r"[ \t\n\r\f\u00a0]+")
_DATES = ("article:published_time", "date", "dc.date", "dcterms.created", "article:modified_time")


def read(data: bytes) -> Extracted:
    """Return an HTML page."""
    tree = LexborHTMLParser(decode(data))
    about = _properties(tree)
    title = tree.css_first("head > title")
    draft = Draft()
    write(draft, tree)
    metadata: dict[str, MetadataValue] = {
        "author": about.get("author", ""),
        "description": about.get("description", ""),
        "keywords": [word.strip() for word in about.get("keywords", "").split(",") if word.strip()],
    }
    date = next((seconds(about[name]) for name in _DATES if name in about), None)
    own_title = one_line(title.text()) if title is not None else ""
    return draft.finish(title=own_title or about.get("og:title", ""), metadata=metadata, date=date)


def read_text(draft: Draft, markup: str) -> None:
    """Write markup that is already text (a mail, a chapter) into a draft."""
    write(draft, LexborHTMLParser(markup))


def decode(data: bytes) -> str:
    """Return the markup as text: UTF-8 if it is, else what it declares, else a guess."""
    declared = _CHARSET.search(data[:4096])
    name = declared[1].decode("ascii").lower() if declared is not None else ""
    if name in ("", "utf-8", "utf8", "iso-8859-1", "latin1", "us-ascii"):
        # Pages lie about these most; the guess knows Windows-1252, which browsers read them as.
        return text.decode(data)
    try:
        codecs.lookup(name)
        # UTF-7 and the like hide markup, and a codec need not be one of text (`hex`).
        return data.decode(name if name.startswith("iso-2022") else _strict(data, name), "replace")
    except (LookupError, ValueError):
        return text.decode(data)


def write(draft: Draft, tree: LexborHTMLParser) -> None:
    """Write the readable part of a tree into a draft; changes the tree."""
    tree.strip_tags(["script", "style", "noscript", "template", "svg", "iframe", "object"])
    for node in tree.css(_UNREAD):
        if node.parent is not None:
            node.decompose()
    for node in tree.css(_SELF_LINKS):
        if len(node.text(strip=True)) <= 1:  # a pilcrow, a section sign, a picture of a chain
            node.decompose()
    body = tree.body
    main = tree.css_first("main, [role=main], body > article")
    if main is not None and body is not None and 10 * len(main.text()) > len(body.text()):
        body = main
    if body is not None:
        _Walk(draft).run(body)


def _strict(data: bytes, name: str) -> str:
    """Return `utf-8` where the bytes are valid UTF-8 beyond ASCII, whatever is declared."""
    try:
        return name if data.isascii() or not data.decode("utf-8") else "utf-8"
    except UnicodeDecodeError:
        return name


def _properties(tree: LexborHTMLParser) -> dict[str, str]:
    found: dict[str, str] = {}
    for meta in tree.css("meta[content]"):
        name = meta.attributes.get("name") or meta.attributes.get("property") or ""
        found.setdefault(name.lower(), (meta.attributes.get("content") or "").strip())
    return found


class _Walk:
    """Writes a tree in document order: spaces collapse, blocks part lines, `pre` stays as it is."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._line: list[str] = []
        self._pre = 0
        self._gap = 2

    def run(self, root: LexborNode) -> None:
        """Walk without recursion: pages nest deeper than Python does."""
        node: LexborNode | None = root
        depth = 0
        while node is not None:
            child = self._enter(node)
            if child is not None:
                node, depth = child, depth + 1
                continue
            while node is not None:
                self._leave(node)
                if depth == 0:
                    node = None
                elif node.next is not None:
                    node = node.next
                    break
                else:
                    node, depth = node.parent, depth - 1
        self._flush()

    def _enter(self, node: LexborNode) -> LexborNode | None:
        """Open a node; return its first child if the walk goes into it."""
        tag = node.tag or ""
        if tag == "-text":
            self._text(node.text_content or "")
            return None
        if tag in _HEADINGS:
            self._flush()
            self._draft.heading(_HEADINGS[tag], _heading(node))
            self._gap = 2
            return None
        if tag == "br":
            self._line.append("\n")
        elif tag in ("td", "th"):
            if "".join(self._line).strip():
                self._line.append(" | ")
        elif tag in _BLOCKS:
            self._flush(2 if tag in _PARTED else 1)
            self._pre += tag == "pre"
            self._line.extend(["- "] if tag == "li" else [])
        return node.child

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag in _BLOCKS:
            self._flush(2 if tag in _PARTED else 1)
            self._pre -= tag == "pre"
            if tag == "li":
                self._line = []  # a dash that nothing followed

    def _text(self, words: str) -> None:
        self._line.append(words if self._pre else _SPACES.sub(" ", words))

    def _flush(self, gap: int = 1) -> None:
        """Write the line that was collected, as far from the last one as both sides want."""
        words = plain("".join(self._line))
        words = words.strip("\n") if self._pre else words.strip(" \n\t")
        if words.strip() == "-":  # its item has not begun
            return
        if not words.strip():
            self._gap = max(self._gap, gap)
            self._line = []
            return
        if self._draft.parts and not self._draft.parts[-1].endswith("\n" * self._gap):
            self._draft.add("\n" * self._gap)
        self._draft.add(words)
        self._line = []
        self._gap = gap


def _heading(node: LexborNode) -> str:
    """Return a heading's text without the sign that links to the heading itself."""
    for link in node.css("a"):
        if link.text().strip() in _ANCHORS:
            link.remove()
    return node.text()
