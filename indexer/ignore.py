"""Ignore files as git reads them, for a walk that never enters an ignored folder.

`pathspec` translates the patterns. Its own verdict is made for whole lists of paths, where a
pattern also matches everything below a folder; asked for one entry at a time it lets `*` win over
a later `!*/`. Here a pattern speaks of the entry itself alone, and the last one that does decides,
inner files before outer ones.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern: `ignores` is false for a `!pattern`, `folders_only` is true for a `pattern/`."""

    regex: re.Pattern[str]
    ignores: bool
    folders_only: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one folder (the last line first), after the rules of the folders around it."""

    prefix: int  # length of the folder's own relative path
    rules: tuple[Rule, ...]
    outer: Rules | None = None

    def ignore(self, relative: str, *, folder: bool) -> bool:
        """Tell whether an entry (its path relative to the root) is ignored."""
        level: Rules | None = self
        while level is not None:
            name = relative[level.prefix :]
            for rule in level.rules:
                if (folder or not rule.folders_only) and rule.regex.fullmatch(name):
                    return rule.ignores
            level = level.outer
        return False


NO_RULES = Rules(0, ())


def parse_rules(lines: Iterable[str]) -> tuple[Rule, ...]:
    """Return the rules in the order in which they are asked: the last line first.

    Raises:
        ValueError: If a pattern means nothing.
    """
    rules = [rule for line in lines if (rule := _rule(line)) is not None]
    return tuple(reversed(rules))


def read_rules(path: Path, prefix: int, outer: Rules) -> Rules:
    """Return the rules of an ignore file inside those around it; meaningless lines are skipped.

    Raises:
        OSError: If the file cannot be read.
    """
    rules: tuple[Rule, ...] = ()
    for line in os.fsdecode(path.read_bytes()).removeprefix("\ufeff").split("\n"):
        with contextlib.suppress(ValueError):
            rules = parse_rules([line]) + rules
    return Rules(prefix, rules, outer)


def _rule(line: str) -> Rule | None:
    text = line.rstrip("\r\n")
    if not text.endswith("\\ "):  # an escaped space is part of the name
        text = text.rstrip()
    folders_only = text.endswith("/")
    text = text.removesuffix("/")
    if text.endswith("/**"):  # everything below, but not the folder itself
        text += "/?*"
    bang = "!" if text.startswith("!") else ""
    if text.removeprefix(bang) in ("*", "**", "**/*"):  # pathspec shortens these to one character
        text = bang + "?*"
    regex, ignores = GitIgnoreSpecPattern.pattern_to_regex(text)
    if regex is None or ignores is None:
        return None
    return Rule(re.compile(regex), ignores, folders_only)
