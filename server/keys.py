"""API keys: who may read, who may write. Only digests are kept, and all of them are compared."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Scope = Literal["read", "write"]

_NAMED: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,40}):(?P<secret>.*)")
_SECRET: Final = re.compile(r"[\x21-\x7e]+")  # what a header can carry, without spaces


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was given out: `name` stands in logs, `write` also reads."""

    name: str
    scope: Scope
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of a server; without any, everybody who reaches it may do everything."""

    keys: tuple[Key, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.keys)

    @property
    def can_write(self) -> bool:
        """Whether there is anybody who may write."""
        return not self.keys or any(key.scope == "write" for key in self.keys)

    def holder(self, given: Iterable[bytes]) -> Key | None:
        """Return the key that one of these secrets is, or None; how long it takes tells nothing."""
        found: Key | None = None
        for secret in given:
            digest = _digest(secret)
            for key in self.keys:
                if hmac.compare_digest(digest, key.digest):
                    found = key
        return found


def read_keys(
    read: Sequence[str] = (), write: Sequence[str] = (), file: Path | None = None
) -> Keys:
    """Return keys as they were given, each `KEY` or `NAME:KEY`.

    Args:
        read: keys that may only read.
        write: keys that may also write.
        file: one key a line, `write` before it if it may write; `#` begins a comment line.

    Raises:
        UsageError: if the file cannot be read, or a key cannot be one; keys are not repeated.
    """
    given: tuple[tuple[Scope, Sequence[str]], ...] = (("read", read), ("write", write))
    texts: list[tuple[Scope, str]] = [(scope, text) for scope, some in given for text in some]
    if file is not None:
        texts += _lines(file)
    counts: dict[Scope, int] = {"read": 0, "write": 0}
    keys: list[Key] = []
    for scope, text in texts:
        counts[scope] += 1
        keys.append(_key(scope, text, f"{scope}-{counts[scope]}"))
    if len({key.digest for key in keys}) < len(keys):
        raise UsageError("the same API key is given twice")
    return Keys(tuple(keys))


def _key(scope: Scope, text: str, otherwise: str) -> Key:
    match = _NAMED.fullmatch(text)
    name, secret = (match["name"], match["secret"]) if match else (otherwise, text)
    if not _SECRET.fullmatch(secret):
        raise UsageError(
            f"API key {name} is empty, or has a space or a letter that is not ASCII"
            " (openssl rand -hex 32 makes a good one)"
        )
    return Key(name, scope, _digest(secret.encode()))


def _lines(file: Path) -> list[tuple[Scope, str]]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise UsageError(f"the API keys in {file} cannot be read: {reason}") from error
    found: list[tuple[Scope, str]] = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        scope: Scope = "write" if words[0] == "write" else "read"
        *before, text = words
        if before not in ([], ["read"], ["write"]):
            raise UsageError(f"{file}, line {number}: expected [read|write] [NAME:]KEY")
        found.append((scope if before else "read", text))
    if not found:
        raise UsageError(f"there is no API key in {file}")
    return found


def _digest(secret: bytes) -> bytes:
    # Of one length, so that a comparison does not tell that of a key.
    return hashlib.sha256(secret).digest()
