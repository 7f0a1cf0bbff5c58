"""A passage as stage two reads it, without the words that its question was made from.

Who learns from a heading and a text that begins with that heading learns to find equal words, which
BM25 does already (the inverse cloze task takes the sentence out of its passage for this reason).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.evaluation.comments import CODE
from engine.evaluation.known_names import Name, key_of, plain_line
from engine.types import context_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.types import Document, Passage, StoredPassage

_INSIDE: Final = frozenset({"docstring", "sentence"})  # kinds that stand in the middle of a text
_WORDS: Final = re.compile(r":\w+:(?=`)|\w+")  # Sphinx's `:func:` before a name is no word
_END: Final = re.compile(r"[.!?:\u3002\uff01\uff1f]?\s*")

_SENTENCE_END: Final = re.compile(
    r"(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)(?<!etc\.)(?<=[.!?:])\s+|(?<=[\u3002\uff01\uff1f])"
    r"|\n\s*\n|\n(?=\s*(?:[-*\u2022#|]|\d+\.))"
)
_LONGEST: Final = 200  # characters; nobody asks for more
_ENDS: Final = (".", "!", "?", ":", "\u3002", "\uff01", "\uff1f")
_NO_PROSE: Final = re.compile(r"[={};<>|\\^~\[\]]|->|::|\w\.\w+\(|(?:^|\s)-{1,2}\w|\d\s*/\s*\d")


def without(stored: StoredPassage, name: Name) -> tuple[str, str]:
    """Return (context, text): the passage as stage two reads it, and what is left of its own text.

    Title and headings that are the name, or hold it, are left out. So are lines of the text that
    are the name or one of those; or the sentence, if the name is one.
    """
    parts = (stored.document.title, *stored.passage.heading)
    dropped = {key_of(plain_line(part)) for part in parts if _gives_away(part, name)}
    title, *heading = ("" if key_of(plain_line(part)) in dropped else part for part in parts)
    text = stored.passage.text
    text = _cut(text, name.text) if name.kind in _INSIDE else _lines(text, {name.key, *dropped})
    return context_text(title, tuple(heading), text), text


def _gives_away(part: str, name: Name) -> bool:
    """Whether a title or heading holds the name, or is a part that the name was put together of."""
    key = key_of(plain_line(part))
    if not key:
        return False
    if f" {name.key} " in f" {key} ":
        return True
    made_of = f"{name.key} "
    return name.kind == "heading" and (
        made_of.startswith(f"{key} ") or made_of.endswith(f" {key} ")
    )


def _lines(text: str, keys: set[str]) -> str:
    kept = (line for line in text.split("\n") if key_of(plain_line(line)) not in keys or not line)
    return "\n".join(kept).lstrip("\n")


def _cut(text: str, sentence: str) -> str:
    """Return a text without the words of a sentence and what stands between them."""
    wanted = [word for word, _, _ in _words(sentence)]
    found = _words(text)
    words = [word for word, _, _ in found]
    kept: list[str] = []
    done = at = 0
    while wanted and at + len(wanted) <= len(words):
        after = at + len(wanted)
        if words[at] != wanted[0] or words[at:after] != wanted:
            at += 1
            continue
        kept.append(text[done : found[at][1]])
        end = _END.match(text, found[after - 1][2])
        done = end.end() if end else done
        at = after
    return "".join([*kept, text[done:]])


def _words(text: str) -> list[tuple[str, int, int]]:
    matches = (match for match in _WORDS.finditer(text) if match[0][0] != ":")
    return [(match[0], match.start(), match.end()) for match in matches]


def sentences(document: Document, passages: Sequence[Passage]) -> Iterator[Name]:
    """Yield the whole sentences of prose; a text before a colon is one too."""
    if document.type in CODE:
        return
    for passage in passages:
        pieces = _SENTENCE_END.split(passage.text)
        # The first one may have begun in the passage before, the last one goes on in the next.
        for piece in pieces[bool(passage.number) :]:
            whole = len(piece) <= _LONGEST and piece.rstrip().endswith(_ENDS)
            text = plain_line(piece).rstrip("\u3002\uff01") if whole else ""
            begins = text[:1].isalpha() and not text[0].islower()
            if begins and not _NO_PROSE.search(text):
                yield Name("sentence", text, text, passage.number)
