"""First sentences of docstrings and of comments that document code, found by patterns alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator


def words(names: str) -> frozenset[str]:
    """Return the words of a text: long sets of names read best as prose."""
    return frozenset(names.split())


_SLASHES: Final = words(
    "c cpp cs dart go groovy java js jsx kt m php proto rs scala svelte swift ts tsx vue zig"
)
_HASHES: Final = words("cmake dockerfile ex exs jl makefile pl py r rb sh toml yaml")
# What begins a comment to the end of the line, by type of document.
_LINE_MARKS: Final = {
    **dict.fromkeys(_SLASHES, "//"),
    **dict.fromkeys(_HASHES, "#"),
    **dict.fromkeys(("hs", "lua", "sql"), "--"),
    "clj": ";",
}
CODE: Final = frozenset(_LINE_MARKS)

# A docstring counts where its first paragraph ends, which may be beyond the passage.
_END: Final = r"(?:\n[ \t]*\n|\n[ \t]*\*[ \t]*\n)"
_STRING: Final = r"[ \t]*[rRuU]?(?P<quote>\"{3}|'{3})(?P<text>.{1,800}?)" rf"(?:(?P=quote)|{_END})"
_MODULE: Final = re.compile(rf"(?:[ \t]*(?:\#[^\n]*)?\n)*{_STRING}", re.DOTALL)
# Without the line before it, closing quotes at the top of a passage would open one.
_MEMBER: Final = re.compile(
    r"^(?:[ \t]*(?:class|def|async)\b[^\n]{0,300}|[^\n\"'#]{0,200}\)[^\n\"'#]{0,100})"
    rf":[ \t]*(?:\#[^\n]*)?\n{_STRING}",
    re.DOTALL | re.MULTILINE,
)
_BLOCK: Final = re.compile(rf"/\*[*!](?![*/])(?P<text>.{{1,800}}?)(?:\*/|{_END})", re.DOTALL)
_SLASH_RUN: Final = re.compile(r"(?P<text>(?:^[ \t]*//[/!](?!/)[^\n]*\n)++)", re.MULTILINE)
_GO: Final = re.compile(r"(?P<text>(?:^//[^\n]*\n)++)(?=(?:func|type|package)\b)", re.MULTILINE)
_TOP_BLOCK: Final = re.compile(r"\s*/\*(?P<text>.{1,4000}?)\*/", re.DOTALL)
_TOP: Final = {
    mark: re.compile(rf"\s*(?P<text>(?:(?:{re.escape(mark)}|\#!)[^\n]*(?:\n|\Z))+)")
    for mark in dict.fromkeys(_LINE_MARKS.values())
}

# What is no prose in a comment: its marks, its tags, markup, the file's own name before a dash.
_MARK: Final = re.compile(r"^[ \t]*(?://[/!]?|\*+(?!\*)|#+|--+|;+)?[ \t]*|[ \t]*\*+/?[ \t]*$", re.M)
_TAG: Final = re.compile(
    r"[@\\](?:file(?:overview)?|brief|overview|module|package|description)\b(?:[ \t]+\S+\.\w+)?"
)
_OTHER_TAG: Final = re.compile(
    r"(?:^|\s)[@\\:](?:param|return|type|throws|see|author|since)\w*\b.*", re.DOTALL
)
HTML_TAG: Final = r"</?[a-z]+\d?(?:\s[^<>\n]{1,80})?/?>"
_INLINE: Final = re.compile(rf"\{{@\w+\s+([^{{}}]*)\}}|:\w+:`~?([^`<]*)[^`]*`|{HTML_TAG}")
_ITSELF: Final = re.compile(r"^[\w./-]+(?:\.\w{1,5}\s*[-:\u2013\u2014]+|\s+--+)\s+")

_PARAGRAPH: Final = re.compile(r"\n[-=~#*\s]*\n")
_SENTENCE: Final = re.compile(
    r"(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)(?<!etc\.)(?<=[.!?])\s|(?<=[\u3002\uff01\uff1f])"
)
_NO_PROSE: Final = re.compile(
    r"^!|-\*-|\bcoding[:=]|\bvim?:|copyright|licen[sc]e|warrant|permission|redistribut|rights"
    r"|contributed|modified by|written by|@\w+\.\w|SPDX|noqa|eslint|pylint|pragma|\$Id",
    re.IGNORECASE,
)
_CODE_LIKE: Final = re.compile(r"[={};<>|\\^~]|->|::|>>>|\w\.\w+\(|\(.*\(|^\w+\(")
_ONE_NAME: Final = re.compile(r"[\w.:-]+", re.ASCII)  # `distutils.command.check`


def first_sentences(text: str, type_: str, *, top: bool) -> Iterator[str]:
    """Yield the first sentence of each docstring or documenting comment of a passage.

    Args:
        text: a passage's.
        type_: of its document; what is no code has none.
        top: whether the document begins here, so that a comment in front is about all of it.
    """
    for comment in _comments(text, type_, top=top):
        sentence = _first_sentence(comment)
        if sentence and not _CODE_LIKE.search(sentence) and not _ONE_NAME.fullmatch(sentence):
            yield sentence


def _comments(text: str, type_: str, *, top: bool) -> Iterator[str]:
    mark = _LINE_MARKS.get(type_)
    if mark is None:
        return
    python, slashes = type_ == "py", mark == "//"
    if top:
        firsts = [_MODULE] if python else [_TOP_BLOCK] if slashes else []
        matches = (pattern.match(text) for pattern in (*firsts, _TOP[mark]))
        yield from (match["text"] for match in matches if match)
    patterns = [_MEMBER] if python else [_BLOCK, _SLASH_RUN] if slashes else []
    if type_ == "go":
        patterns.append(_GO)
    for pattern in patterns:
        yield from (match["text"] for match in pattern.finditer(text))


def _first_sentence(comment: str) -> str:
    """Return the first sentence that says what the code is for, not whose it is; or nothing."""
    text = _OTHER_TAG.sub("", _TAG.sub("", _MARK.sub("", comment)))
    text = _INLINE.sub(lambda match: match[1] or match[2] or "", text)
    for paragraph in _PARAGRAPH.split(text):
        prose = _ITSELF.sub("", " ".join(paragraph.split()))
        if prose and not _NO_PROSE.search(prose):
            return _SENTENCE.split(prose, maxsplit=1)[0].strip()
    return ""
