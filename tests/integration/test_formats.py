from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import ExtractionError
from indexer.extract import extract, extract_many, file_type, supported
from tests.make_files import SENTENCES, TEXTS, make_all, make_damaged
from tests.make_pdf import make_locked_pdf, pdf

if TYPE_CHECKING:
    from pathlib import Path

    from engine.types import MetadataValue
    from indexer.types import Extracted

FORMATS = sorted(SENTENCES)
NOON = 1706702400.0  # 2024-01-31 12:00 UTC
MIDNIGHT = NOON - 12 * 3600


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_all(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_damaged(tmp_path_factory.mktemp("damaged"))


def place(extracted: Extracted, words: str) -> tuple[tuple[str, ...], int | None]:
    """Return headings and page of the section that holds the words."""
    at = extracted.text.index(words)
    section = [each for each in extracted.sections if each.start <= at][-1]
    return section.heading, section.page


def attempt(path: Path) -> Extracted | ExtractionError:
    try:
        return extract(path)
    except ExtractionError as error:
        return error


def told(outcome: Extracted | ExtractionError) -> Extracted | str:
    return str(outcome) if isinstance(outcome, ExtractionError) else outcome


@pytest.mark.parametrize("name", FORMATS)
def test_the_sentence_of_a_file_is_in_its_text(name: str, files: dict[str, Path]) -> None:
    assert SENTENCES[name] in extract(files[name]).text


@pytest.mark.parametrize("name", FORMATS)
def test_sections_ascend_within_the_text(name: str, files: dict[str, Path]) -> None:
    extracted = extract(files[name])
    starts = [section.start for section in extracted.sections]
    assert starts == sorted(set(starts))
    assert all(0 <= start <= len(extracted.text) for start in starts)


@pytest.mark.parametrize("name", FORMATS)
def test_text_has_only_line_feeds_and_no_zero_characters(name: str, files: dict[str, Path]) -> None:
    text = extract(files[name]).text
    assert "\r" not in text
    assert "\0" not in text


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_supported(name: str, files: dict[str, Path]) -> None:
    assert supported(files[name])


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("adoc", "The mill"),
        ("docx", "Handbook of the mill"),
        ("eml", "Über die Mühle"),
        ("epub", "The mill, a novel"),
        ("html", "The mill"),
        ("ipynb", "Counting"),
        ("md", "Notes on the mill"),
        ("mbox", ""),
        ("odp", "Guide to the mill"),
        ("odt", "Guide to the mill"),
        ("org", "The mill"),
        ("pdf", "Report on the mill"),
        ("pptx", "Talk about the mill"),
        ("py", "Count animals."),
        ("rst", "The mill"),
        ("tex", "The mill"),
        ("txt", ""),
        ("xlsx", "Counts"),
    ],
)
def test_title_is_what_the_file_says(name: str, title: str, files: dict[str, Path]) -> None:
    assert extract(files[name]).title == title


@pytest.mark.parametrize(
    ("name", "heading", "page"),
    [
        ("adoc", ("Animals",), None),
        ("docx", ("Animals", "Shy ones"), None),
        ("epub", ("Departure",), None),
        ("html", ("Animals & plants",), None),
        ("ipynb", ("Method",), None),
        ("mbox", ("Über die Mühle",), None),
        ("md", ("Animals", "Shy ones"), None),
        ("odp", ("Behind it",), 2),
        ("ods", ("Birds",), None),
        ("odt", ("Animals", "Shy ones"), None),
        ("org", ("Animals",), None),
        ("pdf", ("Second visit",), 2),
        ("pptx", ("Behind it",), 2),
        ("rst", ("Animals",), None),
        ("tex", ("Animals",), None),
        ("xlsx", ("Birds",), None),
    ],
)
def test_the_sentence_stands_under_its_headings_and_page(
    name: str, heading: tuple[str, ...], page: int | None, files: dict[str, Path]
) -> None:
    assert place(extract(files[name]), SENTENCES[name]) == (heading, page)


@pytest.mark.parametrize(
    ("name", "metadata", "date"),
    [
        ("docx", {"author": "Ada Lovelace"}, NOON),
        ("epub", {"author": "Ada Lovelace"}, MIDNIGHT),
        ("html", {"author": "Ada"}, NOON),
        ("ipynb", {"language": "python"}, None),
        ("md", {"tags": ["water", "stone"]}, MIDNIGHT),
        ("odt", {"author": "Ada Lovelace"}, NOON),
        ("pdf", {"author": "Ada Lovelace"}, NOON),
        ("txt", {}, None),
        (
            "eml",
            {
                "author": "Ada Lovelace <ada@example.org>",
                "to": ["Charles <charles@example.org>"],
                "attachments": ["plan.pdf"],
            },
            NOON,
        ),
    ],
)
def test_properties_and_date_come_from_the_file(
    name: str, metadata: dict[str, MetadataValue], date: float | None, files: dict[str, Path]
) -> None:
    extracted = extract(files[name])
    assert extracted.metadata == metadata
    assert extracted.date == date


@pytest.mark.parametrize("name", ["docx", "html", "odt"])
def test_a_table_row_is_a_line(name: str, files: dict[str, Path]) -> None:
    assert "height | 12 cm" in extract(files[name]).text.splitlines()


def test_spreadsheet_values_read_as_a_person_writes_them(files: dict[str, Path]) -> None:
    lines = extract(files["xlsx"]).text.splitlines()
    assert f"2024-01-31 | 7 | 0.5 | {SENTENCES['xlsx']}" in lines
    assert "none | true" in lines


def test_what_a_site_repeats_on_every_page_is_not_in_the_text(files: dict[str, Path]) -> None:
    text = extract(files["html"]).text
    assert not any(word in text for word in ("Home", "Imprint", "alert", "color"))


def test_speaker_notes_belong_to_their_slide(files: dict[str, Path]) -> None:
    assert place(extract(files["pptx"]), "Pause here.") == (("Behind it",), 2)


def test_a_mail_is_read_once_and_names_its_attachments(files: dict[str, Path]) -> None:
    text = extract(files["eml"]).text
    assert text.count(SENTENCES["eml"]) == 1
    assert text.endswith("Attachments: plan.pdf")


def test_output_of_a_notebook_cell_is_text_and_its_comments_are_no_headings(
    files: dict[str, Path],
) -> None:
    extracted = extract(files["ipynb"])
    assert "forty-two" in extracted.text
    assert place(extracted, "# not a heading")[0] == ("Method",)


def test_markdown_keeps_words_of_links_and_drops_front_matter(files: dict[str, Path]) -> None:
    text = extract(files["md"]).text
    assert "See the map." in text
    assert "title:" not in text


def test_accents_survive_every_encoding(files: dict[str, Path]) -> None:
    assert extract(files["cp1252"]).text.startswith("Le café est fermé.")
    assert extract(files["sjis"]).text.startswith("これは水車小屋")
    assert extract(files["rtf"]).text.endswith("Café.")


def test_source_code_is_unchanged_and_has_a_section_for_each_definition(
    files: dict[str, Path],
) -> None:
    for name, definitions in (("py", [("Mill",), ("count",)]), ("js", [("grind",)])):
        extracted = extract(files[name])
        assert extracted.text == files[name].read_text()
        assert [section.heading for section in extracted.sections] == definitions


@pytest.mark.parametrize("name", sorted(set(FORMATS) - TEXTS))
def test_a_damaged_file_is_a_readable_failure(name: str, damaged: dict[str, Path]) -> None:
    with pytest.raises(ExtractionError, match=r"^damaged") as caught:
        extract(damaged[name])
    assert str(damaged[name].parent) not in str(caught.value)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_text_with_bad_bytes_is_still_read(name: str, damaged: dict[str, Path]) -> None:
    assert SENTENCES[name] in extract(damaged[name]).text


def test_a_pdf_that_asks_for_a_password_says_so(tmp_path: Path) -> None:
    make_locked_pdf(tmp_path / "locked.pdf")
    with pytest.raises(ExtractionError, match="encrypted"):
        extract(tmp_path / "locked.pdf")


def test_a_pdf_without_text_says_so(tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(pdf([[], []]))
    with pytest.raises(ExtractionError, match="scanned images"):
        extract(tmp_path / "scan.pdf")


@pytest.mark.parametrize("title", ["Microsoft Word - draft3.doc", "thesis.tex", "untitled"])
def test_a_pdf_title_that_a_program_made_up_is_none(title: str, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf([["Some words"]], title=title))
    assert extract(tmp_path / "a.pdf").title == ""


def test_many_files_come_in_their_order_as_one_by_one(
    files: dict[str, Path], damaged: dict[str, Path]
) -> None:
    paths = [*files.values(), *damaged.values()]
    outcomes = list(extract_many(paths))
    assert [path for path, _ in outcomes] == paths
    assert [told(outcome) for _, outcome in outcomes] == [told(attempt(path)) for path in paths]


def test_types_are_canonical_extensions(files: dict[str, Path]) -> None:
    assert file_type(files["md"]) == "md"
    assert file_type(files["cp1252"]) == "txt"


def test_the_sign_that_links_to_a_heading_is_no_part_of_it(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<h1>Port <a href="#port">#</a></h1><h2>C# <a>¶</a></h2><p>Listen.</p>')
    found = extract(page)
    assert found.title == "Port"
    assert "C#" in found.sections[-1].heading
