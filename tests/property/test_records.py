from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ExtractionError
from indexer.records import BadRecord, Record, read_records

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1).filter(
    lambda text: bool(text.strip()) and text[0] != "\ufeff"
)
ANY_TEXT = st.text(st.characters())  # with lone surrogates, which JSON can escape
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


def outcomes(name: str, content: bytes) -> list[Record | BadRecord]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        return list(read_records(path))


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1))
def test_what_json_lines_and_csv_say_comes_back(rows: list[tuple[str, str]]) -> None:
    objects = [
        {"id": f"d{n}", "title": title, "text": text} for n, (title, text) in enumerate(rows)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["id", "title", "text"], quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(objects)
        from_csv = list(read_records(path))
    from_json = outcomes("a.jsonl", "".join(json.dumps(one) + "\n" for one in objects).encode())
    for found in (from_csv, from_json):
        read = [(r.id, r.title, r.text) for r in found if isinstance(r, Record)]
        assert read == [(one["id"], one["title"], one["text"]) for one in objects]


@given(st.dictionaries(ANY_TEXT | st.sampled_from(["id", "title", "text", "date"]), JSON))
def test_any_json_object_is_a_record_that_can_be_stored_or_is_reported(value: object) -> None:
    good = json.dumps({"text": "so that the file has a record"})
    found = outcomes("a.ndjson", f"{json.dumps(value)}\n{good}\n".encode())
    assert len(found) == 2
    for record in found:
        if isinstance(record, Record):
            json.dumps(dict(record.metadata), ensure_ascii=False, allow_nan=False).encode()
            assert f"{record.id}{record.title}{record.text}".encode()
            assert record.id.strip()


@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.tsv", "a.jsonl"]))
def test_any_bytes_give_records_or_an_extraction_error(content: bytes, name: str) -> None:
    try:
        found = outcomes(name, content)
    except ExtractionError:
        return
    ids = [one.id for one in found if isinstance(one, Record)]
    assert ids
    assert len(set(ids)) == len(ids)
