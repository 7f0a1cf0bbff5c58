from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from engine.errors import ExtractionError
from indexer.extract import extract_many
from indexer.extract.wire import decoded, encoded
from indexer.types import Extracted, Section
from tests.make_files import SENTENCES, make_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A cell at the far corner makes the parser ask for memory for the whole sheet, and abort.
FAR_SHEET = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    b"</sheetData></worksheet>"
)


def make_crasher(path: Path, sheet: Path) -> Path:
    """Write a workbook that ends the process of its parser."""
    with zipfile.ZipFile(sheet) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = FAR_SHEET if name.endswith("sheet1.xml") else source.read(name)
            target.writestr(name, data)
    return path


def make_hanger(path: Path) -> Path:
    """Write a page so deep that its parser needs minutes."""
    path.write_text("<div>" * 1_000_000)
    return path


def reasons(paths: list[Path], timeout: float = 60.0) -> list[str]:
    outcomes = [outcome for _, outcome in extract_many(paths, workers=2, timeout=timeout)]
    return [str(each) if isinstance(each, ExtractionError) else "" for each in outcomes]


def test_a_crash_costs_one_file(tmp_path: Path) -> None:
    good = make_all(tmp_path)
    crasher = make_crasher(tmp_path / "far.xlsx", good["xlsx"])
    paths = [good["pdf"], crasher, good["docx"], crasher, good["html"], good["txt"], good["xlsx"]]
    crashed = "the parser crashed"
    assert reasons(paths) == ["", crashed, "", crashed, "", "", ""]


def test_a_hang_costs_one_file_and_its_time(tmp_path: Path) -> None:
    good = make_all(tmp_path)
    hanger = make_hanger(tmp_path / "deep.html")
    late = "took longer than 1 seconds"
    assert reasons([good["pdf"], hanger, good["docx"]], timeout=1) == ["", late, ""]


def test_paths_are_taken_only_a_little_ahead(tmp_path: Path) -> None:
    page = make_all(tmp_path)["html"]
    taken = 0

    def paths() -> Iterator[Path]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield page

    stream = extract_many(paths(), workers=1)
    next(stream)
    assert taken < 20
    stream.close()  # type: ignore[attr-defined]


def test_texts_need_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("indexer.extract.isolate.Worker", refuse)
    good = make_all(tmp_path)
    outcomes = list(extract_many([good["txt"], good["md"], good["py"]]))
    assert [isinstance(outcome, Extracted) for _, outcome in outcomes] == [True] * 3


def test_no_paths_give_nothing() -> None:
    assert list(extract_many([])) == []


@pytest.mark.parametrize(("workers", "timeout"), [(0, 1.0), (1, 0.0)])
def test_senseless_settings_are_refused_at_once(workers: int, timeout: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        extract_many([], workers=workers, timeout=timeout)


def test_a_name_that_is_not_utf8_reaches_the_worker(tmp_path: Path) -> None:
    page = make_all(tmp_path / "all")["html"]
    strange = tmp_path / "caf\udce9.html"
    strange.write_bytes(page.read_bytes())
    ((path, outcome),) = extract_many([strange])
    assert path == strange
    assert isinstance(outcome, Extracted)
    assert SENTENCES["html"] in outcome.text


def test_a_relative_path_reaches_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = make_all(tmp_path)["html"]
    monkeypatch.chdir(tmp_path)
    ((_, outcome),) = extract_many([page.relative_to(tmp_path)])
    assert isinstance(outcome, Extracted)


def test_an_outcome_survives_the_wire() -> None:
    outcome = Extracted(
        text="a\nb \ud800 言葉",
        title="T",
        sections=(Section(start=0, heading=("A", "B"), page=3), Section(start=1)),
        metadata={"n": 1, "tags": ["x"], "b": True},
        date=1.5,
    )
    assert decoded(encoded(outcome)) == outcome
    assert str(decoded(encoded(ExtractionError("why")))) == "why"
