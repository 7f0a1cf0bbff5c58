"""The block of properties on top of a Markdown file: YAML between `---`, TOML between `+++`."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from typing import TYPE_CHECKING, cast

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.types import MetadataValue

_YAML = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_TOML = re.compile(r"\A\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_MAX_CHARACTERS = 65_536


def split(text: str) -> tuple[dict[str, object], str]:
    """Return the properties of a file and the text below them.

    A block that does not parse is no front matter but text: a rule `---` may open a document.
    """
    head = text[:_MAX_CHARACTERS]
    if (match := _YAML.match(head)) is not None:
        properties = _yaml(match[1])
    elif (match := _TOML.match(head)) is not None:
        properties = _toml(match[1])
    else:
        return {}, text
    if properties is None:
        return {}, text
    return properties, text[match.end() :].lstrip("\n")


def metadata_of(properties: Mapping[str, object]) -> dict[str, MetadataValue]:
    """Return the properties that can be filtered by: scalars, and lists of them as strings."""
    found: dict[str, MetadataValue] = {}
    for name, value in properties.items():
        if isinstance(value, str | int | float | bool):
            found[name] = value
        elif isinstance(value, datetime | date):
            found[name] = value.isoformat()
        elif isinstance(value, list):
            items = cast("list[object]", value)
            found[name] = [str(item) for item in items if isinstance(item, str | int | float)]
    return found


def _yaml(block: str) -> dict[str, object] | None:
    try:
        # CSafeLoader would be faster and is not in every wheel; a front matter is a few lines.
        loaded: object = yaml.safe_load(block)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return _strings(loaded)


def _toml(block: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(block)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def _strings(loaded: object) -> dict[str, object] | None:
    if not isinstance(loaded, dict):
        return None
    mapping = cast("dict[object, object]", loaded)
    return {str(name): value for name, value in mapping.items()}
