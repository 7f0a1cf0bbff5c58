from __future__ import annotations

import csv
import json
import time
from typing import TYPE_CHECKING

import pytest

from engine.errors import ExtractionError, UsageError
from indexer import records, tables
from indexer.columns import Columns
from indexer.records import BadRecord, Record, read_records

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def lines(folder: Path, *values: object) -> Path:
    return write(folder, "a.jsonl", "".join(json.dumps(value) + "\n" for value in values))


def good(path: Path, columns: Columns | None = None) -> list[Record]:
    return [record for record in read_records(path, columns) if isinstance(record, Record)]


def bad(path: Path) -> dict[int, str]:
    return {one.line: one.reason for one in read_records(path) if isinstance(one, BadRecord)}


def test_a_beir_corpus_keeps_its_ids(tmp_path: Path) -> None:
    path = lines(tmp_path, {"_id": "d1", "title": "T", "text": "Body.", "metadata": {"url": "u"}})
    assert good(path) == [Record(id="d1", title="T", text="Body.", line=1, metadata={"url": "u"})]


def test_columns_are_recognised_whatever_their_case(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "Key, Subject ,BODY\nk,s,b\n")
    assert good(path) == [Record(id="k", title="s", text="b", line=2)]


def test_the_first_known_name_wins_and_the_others_are_metadata(tmp_path: Path) -> None:
    path = lines(tmp_path, {"description": "long", "id": "x", "text": "t", "_id": "y"})
    assert good(path) == [
        Record(id="y", title="", text="t", line=1, metadata={"description": "long", "id": "x"})
    ]


def test_a_record_without_an_id_gets_its_number(tmp_path: Path) -> None:
    path = lines(tmp_path, {"text": "a"}, {"text": "b", "id": None}, {"text": "c", "id": " "})
    assert [record.id for record in good(path)] == ["1", "2", "3"]


def test_an_id_may_be_a_number(tmp_path: Path) -> None:
    assert good(lines(tmp_path, {"id": 7, "text": "a"}))[0].id == "7"


def test_an_option_names_a_column_and_frees_the_known_one(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id,sku,text,body\n1,A-1,short,long\n")
    columns = Columns(id="SKU", text="body", title="text")
    assert good(path, columns) == [
        Record(id="A-1", title="short", text="long", line=2, metadata={"id": 1})
    ]


def test_a_column_taken_by_an_option_plays_no_second_part(tmp_path: Path) -> None:
    path = lines(tmp_path, {"name": "N", "text": "t"})
    record = good(path, Columns(id="name"))[0]
    assert (record.id, record.title) == ("N", "")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_an_option_that_names_no_column_is_refused_with_the_columns(
    tmp_path: Path, name: str
) -> None:
    content = "id,body\n1,x\n" if name == "a.csv" else '{"id": 1, "body": "x"}\n'
    with pytest.raises(UsageError, match="no column 'txt' for the text; the columns are: id, body"):
        list(read_records(write(tmp_path, name, content), Columns(text="txt")))


def test_an_option_may_name_a_column_that_only_some_records_have(tmp_path: Path) -> None:
    path = lines(tmp_path, {"id": "a", "x": "no"}, {"id": "b", "x": "n", "main": "yes"})
    assert [record.text for record in good(path, Columns(text="main"))] == ["yes"]


def test_without_a_text_column_the_text_is_every_other_column(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a.csv", "name,city,zip,open,note\nAda,Paris,075,true,\nBob,,2,false,x\n"
    )
    first, second = good(path)
    assert (first.title, first.text) == ("Ada", "city: Paris\nzip: 075")
    assert (second.title, second.text) == ("Bob", "zip: 2\nnote: x")
    assert first.metadata == {"city": "Paris", "zip": "075", "open": True}


def test_a_title_alone_is_enough_and_nothing_is_not(tmp_path: Path) -> None:
    path = lines(tmp_path, {"title": "T", "text": ""}, {"title": " ", "text": None, "n": 1})
    assert [record.title for record in good(path)] == ["T"]
    assert bad(path) == {2: "has neither text nor title"}


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("0.5", 0.5),
        ("true", True),
        ("FALSE", False),
        (" x ", "x"),
        *((text, text) for text in ("007", "1.10", "1e5", "1_000", "+1", "-0", "nan", "inf", "٣")),
        *((text, text) for text in ("9" * 19, "9" * 5000, "0x10", "1,5")),
    ],
)
def test_a_cell_becomes_a_number_only_where_nothing_is_lost(
    tmp_path: Path, cell: str, value: object
) -> None:
    path = write(tmp_path, "a.csv", f'text,x\nt,"{cell}"\n')
    found = good(path)[0].metadata["x"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (2**63, str(2**63)),
        (1e999, "inf"),
        (["a", 1, None, {"b": 2}], ["a", "1", '{"b": 2}']),
        ({"a": "é"}, '{"a": "é"}'),
        ("a\ud800b😀", "a\ufffdb😀"),
        (False, False),
    ],
)
def test_a_json_value_becomes_metadata_that_can_be_stored(
    tmp_path: Path, value: object, kept: object
) -> None:
    assert good(lines(tmp_path, {"text": "t", "x": value}))[0].metadata == {"x": kept}


@pytest.mark.parametrize("value", [None, "", [], {}, [None]])
def test_an_empty_json_value_is_no_metadata(tmp_path: Path, value: object) -> None:
    assert good(lines(tmp_path, {"text": "t", "x": value}))[0].metadata == {}


def test_a_text_may_be_a_list_of_sentences(tmp_path: Path) -> None:
    assert good(lines(tmp_path, {"abstract": ["One.", "Two."]}))[0].text == "One.\nTwo."


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("1970-01-02", 86400.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        (" 1970-01-01T00:00:01Z ", 1.0),
    ],
)
def test_an_iso_date_is_the_date_of_the_document(tmp_path: Path, date: str, seconds: float) -> None:
    record = good(lines(tmp_path, {"text": "t", "Date": date}))[0]
    assert (record.date, record.metadata) == (seconds, {})


def test_a_date_without_a_zone_is_utc_wherever_the_machine_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        context.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert good(lines(tmp_path, {"text": "t", "date": "1970-01-02"}))[0].date == 86400.0
    time.tzset()


@pytest.mark.parametrize("date", ["yesterday", "31.12.2024", 5, "0001-01-01T00:00:00+23:59"])
def test_a_date_that_is_none_stays_metadata(tmp_path: Path, date: object) -> None:
    record = good(lines(tmp_path, {"text": "t", "date": date}))[0]
    assert (record.date, record.metadata) == (None, {"date": date})


def test_broken_lines_are_reported_by_their_number_and_the_rest_goes_on(tmp_path: Path) -> None:
    deep = "[" * 100_000
    path = write(tmp_path, "a.jsonl", f'{{"text": "a"}}\n\n{{"te\n[1]\n{deep}\n{{"text": "b"}}')
    assert [(record.line, record.text) for record in good(path)] == [(1, "a"), (6, "b")]
    reasons = bad(path)
    assert list(reasons) == [3, 4, 5]
    assert reasons[3].startswith("is not JSON")
    assert reasons[4] == "is not a JSON object"


def test_a_repeated_id_is_reported_and_the_first_one_stays(tmp_path: Path) -> None:
    path = lines(tmp_path, {"id": "x", "text": "a"}, {"id": "x", "text": "b"})
    assert [record.text for record in good(path)] == ["a"]
    assert bad(path) == {2: "repeats the id 'x'"}


def test_a_line_without_end_is_reported_and_the_next_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "LINE_LIMIT", 20)
    path = write(tmp_path, "a.jsonl", '{"text": "' + "x" * 50 + '"}\n{"text": "b"}\n')
    assert bad(path) == {1: "is longer than 20 characters"}
    assert [(record.line, record.text) for record in good(path)] == [(2, "b")]


def test_rows_of_another_width_are_reported_but_empty_cells_at_the_end_are_not(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, "a.csv", "id,text\n1,a\n2\n3,c,,\n4,d,e\n\n5,f\n")
    assert [record.id for record in good(path)] == ["1", "3", "5"]
    assert bad(path) == {3: "has 1 columns, not 2", 5: "has 3 columns, not 2"}


def test_a_quoted_cell_may_hold_lines_and_the_record_starts_on_its_first(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'id,text\n1,"a\nb, ""c"""\n2,d\n')
    assert [(record.line, record.text) for record in good(path)] == [(2, 'a\nb, "c"'), (4, "d")]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "A.CSV"])
def test_the_separator_is_found(tmp_path: Path, separator: str, name: str) -> None:
    rows = (("id", "title", "text"), ("1", "T", "one (two) three"), ("2", "U", "four, five; six"))
    with (tmp_path / name).open("w", newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    assert [(r.id, r.title, r.text) for r in good(tmp_path / name)] == list(rows[1:])


def test_a_single_column_is_text_with_its_commas(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'text\n"one, two"\n"three, four"\n')
    assert [record.text for record in good(path)] == ["one, two", "three, four"]


def test_quotes_mean_nothing_in_a_tsv_that_does_not_close_them(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", 'id\ttext\n1\t"Open\n2\tplain\n3\tb"\n')
    assert [record.text for record in good(path)] == ['"Open', "plain", 'b"']


def test_columns_without_a_name_of_their_own_get_one(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "text,,a,a\nt,x,y,z\n")
    assert good(path)[0].metadata == {"column 2": "x", "a": "y", "a (4)": "z"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str, name: str) -> None:
    text = "Das Mädchen aß fünf süße Äpfel, während die Brüder über Bücher sprächen."
    table = f'id;text\nx;"{text}"\n' * 1
    content = (
        table if name == "a.csv" else json.dumps({"id": "x", "text": text}, ensure_ascii=False)
    )
    assert good(write(tmp_path, name, content.encode(encoding))) == [
        Record(id="x", title="", text=text, line=2 if name == "a.csv" else 1)
    ]


def test_one_broken_byte_does_not_change_the_encoding_of_the_rest(tmp_path: Path) -> None:
    text = "é" * 50
    path = write(tmp_path, "a.csv", f"id,text\n1,{text}\n2,a".encode() + b"\xe9z\n")
    assert [record.text for record in good(path)] == [text, "a\ufffdz"]


def test_a_cell_may_be_longer_than_pythons_limit(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", f"id,text\n1,{'x' * 1_000_000}\n")
    assert len(good(path)[0].text) == 1_000_000


def test_a_cell_beyond_all_limits_is_reported_and_the_next_row_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "FIELD_LIMIT", 10)
    before = csv.field_size_limit(10)
    try:
        path = write(tmp_path, "a.csv", f"id,text\n1,{'x' * 50}\n2,b\n")
        assert bad(path) == {2: "field larger than field limit (10)"}
        assert [(record.line, record.text) for record in good(path)] == [(3, "b")]
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b""),
        ("a.csv", b""),
        ("a.csv", b"id,text\n"),
        ("a.jsonl", b'[\n  {\n    "text": "a"\n  }\n]'),
        ("a.jsonl", b"\x00\xff\xfe\x01" * 1000),
        ("a.csv", b"\x00\xff\xfe\x01" * 1000),
    ],
)
def test_a_file_without_a_readable_record_is_an_error(
    tmp_path: Path, name: str, content: bytes
) -> None:
    with pytest.raises(ExtractionError, match="no readable record"):
        list(read_records(write(tmp_path, name, content)))


def test_a_file_that_is_not_there_is_an_extraction_error(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="cannot be read: no such file"):
        list(read_records(tmp_path / "a.csv"))


def test_records_are_streamed(tmp_path: Path) -> None:
    path = lines(tmp_path, *({"text": str(number)} for number in range(100_000)))
    stream = read_records(path)
    assert isinstance(next(stream), Record)
    path.write_bytes(b"")
    assert sum(1 for _ in stream) < 99_999
