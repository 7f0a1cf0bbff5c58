from __future__ import annotations

import pytest

from indexer.extract.code import read


def names(source: str, type_: str) -> list[str]:
    sections = read(source.encode(), type_).sections
    return [section.heading[0] if section.heading else "" for section in sections]


def test_python_sections_are_top_level_definitions_and_what_stands_between() -> None:
    source = "import os\n\nclass A:\n    def inner(self): ...\n\nX = 1\n\nasync def f(): ...\n"
    assert names(source, "py") == ["A", "", "f"]


def test_a_definition_starts_at_its_comments_and_decorators() -> None:
    source = "import os\n\n# Why it is cached.\n@cache\ndef f(): ...\n"
    start = read(source.encode(), "py").sections[0].start
    assert source[start:].startswith("# Why")


def test_offsets_count_characters_not_bytes() -> None:
    source = 'x = "äöü言葉"\n\ndef f(): ...\n'
    start = read(source.encode(), "py").sections[0].start
    assert source[start:].startswith("def f")


def test_lines_end_where_the_parser_of_python_says() -> None:
    source = 'x = "a\x0cb\u2028c"\n\x0c\ndef f(): ...\n'
    start = read(source.encode(), "py").sections[0].start
    assert source[start:].startswith("def f")


def test_python_two_is_read_by_its_lines() -> None:
    assert names('print "old"\n\nclass A:\n    pass\n\ndef f():\n    pass\n', "py") == ["A", "f"]


@pytest.mark.parametrize("source", ["-" * 100_000 + "1", "(" * 100_000, "x" + ".a" * 100_000])
def test_hostile_nesting_is_read_as_plain_text(source: str) -> None:
    assert read(source.encode(), "py").text == source


def test_invalid_escapes_of_a_file_are_no_warning_of_ours() -> None:
    assert read(b'x = "\\d"\n', "py").sections == ()


@pytest.mark.parametrize(
    ("type_", "source", "expected"),
    [
        (
            "js",
            "export default class App {\n  run() {}\n}\nasync function go() {}\n",
            ["App", "go"],
        ),
        ("ts", "export interface Shape {\n}\nexport type Id = string\n", ["Shape", "Id"]),
        ("rs", "pub(crate) fn grind<T>(x: T) {}\nimpl Mill {\n}\n", ["grind", "Mill"]),
        ("go", "func (m *Mill) Grind(x int) {\n}\ntype Mill struct {\n}\n", ["Grind", "Mill"]),
        ("java", "public final class Mill {\n  void a() {}\n}\n", ["Mill"]),
        ("c", "static int\tgrind(int x)\n{\n  call(x);\n}\n", ["grind"]),
        ("cpp", "std::string Mill::name(int x) const {\n}\n", ["Mill::name"]),
        ("rb", "module Mill\nend\ndef grind\nend\n", ["Mill", "grind"]),
        ("sh", "grind() {\n  echo\n}\nfunction stop {\n}\n", ["grind", "stop"]),
        ("sql", "CREATE TABLE mills (id int);\n", ["mills"]),
        ("php", "function grind() {\n}\n", ["grind"]),
    ],
)
def test_definitions_of_other_languages_are_lines_that_say_so(
    type_: str, source: str, expected: list[str]
) -> None:
    assert names(source, type_) == expected


def test_a_call_at_the_start_of_a_line_is_no_definition() -> None:
    assert names("  int grind(int x) {\nreturn grind(1);\ngrind(2);\n", "c") == []
