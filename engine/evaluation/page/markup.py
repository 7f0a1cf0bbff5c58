"""Markup that no text can break out of: whatever was not made here is escaped."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

# Neither XML nor a file in UTF-8 can hold these: controls, halves of surrogate pairs, U+FFFE.
_IMPOSSIBLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_VOID: Final = frozenset({"br", "meta", "link", "hr"})


class Html(str):
    """Markup; every other string is text."""

    __slots__ = ()


Child: TypeAlias = "str | int | Iterable[Child] | None"


def escape(text: object) -> Html:
    """Return text as markup that shows it, in an element as well as in a quoted attribute."""
    return Html(html.escape(_IMPOSSIBLE.sub("\ufffd", str(text)), quote=True))


def tag(name: str, *children: Child, **attributes: str | float | None) -> Html:
    """Return an element; also right as XML, so it serves HTML and SVG alike.

    Args:
        name: of the element, never from data.
        children: text is escaped, markup is not, None is nothing, and lists are opened.
        attributes: `class_` is class and `stroke_width` stroke-width; True has no value, and
            None and False leave the attribute out. Numbers are rounded to hundredths.
    """
    named = "".join(
        f' {_name(key)}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{named}>")
    return Html(f"<{name}{named}>{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Html:
    """Return the children one after the other."""
    parts: list[str] = []
    for child in children:
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str | int):
            parts.append(escape(child))
        elif child is not None:
            parts.append(join(child))
    return Html("".join(parts))


def user(text: str, name: str = "span", class_: str | None = None) -> Html:
    """Return an element of text in whatever script; its direction ends with it."""
    return tag(name, text, class_=class_, dir="auto")


def clip(text: str, most: int) -> str:
    """Return at most so many characters of a text, white space made one space."""
    short = " ".join(text[: 4 * most].split())
    return short if len(short) <= most else f"{short[: most - 1].rstrip()}…"


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: str | float) -> str:
    if value is True:
        return ""
    if isinstance(value, float):
        return f"{round(value, 2) + 0:g}"
    return escape(value)
