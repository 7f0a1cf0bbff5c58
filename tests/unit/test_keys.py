from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import UsageError
from server.keys import Keys, read_keys

if TYPE_CHECKING:
    from pathlib import Path


def names(keys: Keys) -> dict[str, str]:
    return {key.name: key.scope for key in keys.keys}


def test_a_key_is_found_by_its_secret_among_several() -> None:
    keys = read_keys(["laptop:one", "two"], ["ci:three"])
    assert names(keys) == {"laptop": "read", "read-2": "read", "ci": "write"}
    for secret, name in [(b"one", "laptop"), (b"two", "read-2"), (b"three", "ci")]:
        key = keys.holder([b"wrong", secret])
        assert key
        assert key.name == name
    for wrong in (b"", b"on", b"one ", b"laptop:one", b"laptop", b"\xff"):
        assert keys.holder([wrong]) is None
    assert keys.holder([]) is None


def test_no_key_is_shown_where_keys_are() -> None:
    keys = read_keys(["laptop:secret"])
    assert "secret" not in repr(keys)


def test_a_key_may_have_a_colon_where_a_name_may_not() -> None:
    keys = read_keys(["a/b:c"])
    assert keys.holder([b"a/b:c"])


def test_without_keys_everybody_may_write_and_with_them_only_who_was_given_one() -> None:
    assert read_keys().can_write
    assert not read_keys()
    assert not read_keys(["one"]).can_write
    assert read_keys(["one"], ["two"]).can_write


@pytest.mark.parametrize("text", ["", "name:", "with space", "schlüssel", "tab\t"])
def test_what_no_header_can_carry_is_no_key(text: str) -> None:
    with pytest.raises(UsageError, match="API key") as found:
        read_keys([text])
    assert "with space" not in str(found.value)


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="twice"):
        read_keys(["one"], ["again:one"])


def test_keys_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# of my machines\n\none\nread laptop:two\n  write ci:three\nwrite four\n")
    keys = read_keys(file=file)
    assert names(keys) == {"read-1": "read", "laptop": "read", "ci": "write", "write-2": "write"}
    assert keys.holder([b"three"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"# nothing\n", "no API key"),
        (b"\xff\xfe", "no UTF-8"),
        (b"one\nadmin two\n", "line 2"),
        (b"write a b\n", "line 1"),
    ],
)
def test_a_file_that_is_none_of_keys_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_keys(file=file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_keys(file=tmp_path / "keys")
