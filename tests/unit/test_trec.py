from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

from engine.errors import CollectionError
from engine.evaluation.trec import read_qrels, read_run, read_topics, read_trec, write_qrels
from engine.runs import column, id_of_column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SGML = """
<top>
<head> Tipster Topic Description
<num> Number:  051
<title> Topic:  Airbus
Subsidies

<desc> Description:
Document will discuss government assistance to Airbus.
</top>

<top>
<num> Number: 52 <title> South African &amp; other Sanctions
<narr> Narrative: <title> not this one
</top>
"""
XML = """<?xml version="1.0"?>
<topics task="adhoc">
  <topic number="1" type="faceted">
    <query>obama <![CDATA[family <tree>]]></query>
    <description>Find the genealogy.</description>
  </topic>
  <TOPIC id='b 2'><title>Topics of number: 3</title></TOPIC>
  <topic number="3">
    The whole text
    of a trial topic.
  </topic>
</topics>
"""


def written(home: Path, content: str, name: str = "file") -> Path:
    path = home / name
    path.write_bytes(content.encode())
    return path


def error(path: Path, read: Callable[[Path], object]) -> str:
    """Return what is wrong with a file, without its folder."""
    with pytest.raises(CollectionError) as caught:
        read(path)
    return str(caught.value).replace(f"{path.parent}{os.sep}", "")


AIRBUS = {"051": "Airbus Subsidies", "52": "South African & other Sanctions"}
AB = {"1": "a", "2": "b"}


@pytest.mark.parametrize(
    ("content", "topics"),
    [
        ("1\tone\n2\ttwo words\n", {"1": "one", "2": "two words"}),
        ('\ufeff{"_id": 1, "text": "one"}\n', {"1": "one"}),
        (SGML, AIRBUS),
        (SGML.replace("\n", "\r\n"), AIRBUS),
        (
            XML,
            {
                "1": "obama family <tree>",
                "b 2": "Topics of number: 3",
                "3": "The whole text of a trial topic.",
            },
        ),
        ("<top><num>1</num><title>a</title></top><top><num>2</num><title>b</title></top>", AB),
        ("<top>\n<num> 1\n<title> a\n<top>\n<num> 2\n<title> b\n", AB),
        ('<topic number="7"><title>t</title><query>the query</query></topic>', {"7": "the query"}),
    ],
    ids=["tabs", "BEIR", "SGML", "CRLF", "XML", "one line", "nothing closed", "query wins"],
)
def test_topics_may_be_written_in_many_ways(
    content: str, topics: dict[str, str], tmp_path: Path
) -> None:
    assert read_topics(written(tmp_path, content)) == topics


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1\tone\ntwo\n", "file:2: neither id<TAB>text nor"),
        ("1\tone\n\n1\ttwo\n", "file:3: the query id '1' comes twice"),
        ("\n \n", "file holds no query"),
        ("<html><p>no topic</p></html>", "file holds no topic"),
        ("\n<top>\n<title> a\n</top>\n", "file:2: the topic has no number"),
        (f"{SGML}<top>\n<num> 53\n<desc> d\n</top>", "file:16: topic '53' has neither title nor"),
        (f"{SGML}{SGML}", "file:17: the query id '051' comes twice"),
    ],
)
def test_a_topic_that_cannot_be_used_is_named_by_its_line(
    content: str, message: str, tmp_path: Path
) -> None:
    assert error(written(tmp_path, content), read_topics).startswith(message)


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    for read in (read_topics, read_qrels, read_run):
        assert error(tmp_path / "x", read) == "x cannot be read: no such file or directory"


def test_qrels_come_back_as_they_were_written(tmp_path: Path) -> None:
    qrels = {"my query": {"a/b c": 2, "100%": 0}, "q": {"a%20b": 1, "a b": 3}}
    file = io.StringIO()
    write_qrels(file, qrels)
    assert file.getvalue() == (
        "my%20query 0 a/b%20c 2\nmy%20query 0 100% 0\nq 0 a%2520b 1\nq 0 a%20b 3\n"
    )
    assert read_qrels(written(tmp_path, file.getvalue())) == qrels


def test_negative_grades_are_an_error_unless_read_leniently(tmp_path: Path) -> None:
    path = written(tmp_path, "1 0 d 1\n1 0 e -2\n")
    assert error(path, read_qrels).startswith("file:2: the grade -2 is negative")
    assert read_qrels(path, lenient=True) == {"1": {"d": 1, "e": 0}}


def test_a_run_keeps_its_order_and_its_scores(tmp_path: Path) -> None:
    path = written(tmp_path, "1 Q0 b%20c 1 2.5 x\r\n\n1\tQ0\td\t2\t-1e-3\tx\n2 Q0 d 1 7 x\n")
    run = read_run(path)
    assert run == {"1": {"b c": 2.5, "d": -0.001}, "2": {"d": 7.0}}
    assert list(run["1"]) == ["b c", "d"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 Q0 d 1 2.5", "file:2: has 5 columns; a run has six"),
        ("1 Q0 a b 1 2.5 x", "file:2: has 7 columns; a run has six"),
        ("1 Q0 d 1 high x", "file:2: the score 'high' is not a number"),
        ("1 Q0 d 1 nan x", "file:2: the score 'nan' is not a number"),
        ("1 Q0 e 1 2.5 x", "file:2: the document id 'e' comes twice"),
    ],
)
def test_a_line_that_is_none_of_a_run_is_named(line: str, message: str, tmp_path: Path) -> None:
    assert error(written(tmp_path, f"1 Q0 e 1 3 x\n{line}\n"), read_run) == message


@pytest.mark.parametrize(
    ("id", "text"),
    [
        ("docs/a.txt", "docs/a.txt"),
        ("ünïcode", "ünïcode"),
        ("100%", "100%"),
        ("%zz%2f%C", "%zz%2f%C"),
        ("a b", "a%20b"),
        ("a%20b", "a%2520b"),
        ("%%20", "%%2520"),
        ("% 20", "%%2020"),
        ("\ufeffa", "%EF%BB%BFa"),
        ("a\u00a0\u3000", "a%C2%A0%E3%80%80"),
    ],
)
def test_an_id_is_encoded_only_where_it_must_be(id: str, text: str) -> None:
    assert column(id) == text
    assert id_of_column(text) == id


@pytest.mark.parametrize("foreign", ["a%2Fb", "%E9", "http://x/?q=%41", "a%20b%2Fc", "%2", "%25"])
def test_what_others_have_encoded_stays_as_it_is(foreign: str) -> None:
    assert id_of_column(foreign) == foreign


TOPICS = "051\tAirbus\n52\tSanctions\nmy q\twith a blank\n60\tnot judged\n"
QRELS = "51 0 d1 1\n52 0 d2 2\n52 0 d%203 0\nmy%20q 0 d1 1\n"


def held(ids: Sequence[str]) -> set[str]:
    """Tell what an index of three documents holds of some ids."""
    return set(ids) & {"d1", "d2", "d 3"}


def test_judged_topics_become_a_collection_about_an_index(tmp_path: Path) -> None:
    topics = written(tmp_path, TOPICS, "robust.txt")
    collection = read_trec(topics, written(tmp_path, QRELS, "qrels.txt"), held)
    assert collection.queries == {"51": "Airbus", "52": "Sanctions", "my q": "with a blank"}
    assert collection.qrels == {"51": {"d1": 1}, "52": {"d2": 2, "d 3": 0}, "my q": {"d1": 1}}
    assert collection.label == "robust"
    assert collection.corpus is None
    assert set(collection.checksums) == {"topics/robust.txt", "qrels/qrels.txt"}
    assert collection.notes == ()


@pytest.mark.parametrize(
    ("topics", "qrels", "message"),
    [
        (TOPICS, f"{QRELS}9 0 d1 1\n", "q:5: judges the query '9', which t does not hold"),
        (TOPICS, f"{QRELS}52 0 d9 1\n", "q:5: judges the document 'd9', which the index does not"),
        (TOPICS, f"{QRELS}52 0 d2 1\n", "q:5: grade 1 for query '52' and document 'd2'"),
        (TOPICS, f"{QRELS}52 d2 1\n", "q:5: has 3 columns, not 4"),
        (TOPICS, f"{QRELS}52 0 d4 -1\n", "q:5: the grade -1 is negative"),
        (TOPICS, f"{QRELS}52 0 d4 x\n", "q:5: the grade 'x' is not a whole number"),
        (TOPICS.replace("Sanctions", " "), QRELS, "t:2: the query '52' has no text"),
        (f"{TOPICS}51\tagain\n", QRELS, "t:5: the query id '51' comes twice"),
    ],
)
def test_trec_files_that_cannot_be_used_are_named_by_file_and_line(
    topics: str, qrels: str, message: str, tmp_path: Path
) -> None:
    asked = written(tmp_path, topics, "t")
    said = error(written(tmp_path, qrels, "q"), lambda path: read_trec(asked, path, held))
    assert said.startswith(message)


def test_a_lenient_reader_leaves_out_what_the_index_lacks(tmp_path: Path) -> None:
    topics = written(tmp_path, TOPICS.replace("Sanctions", ""), "t")
    qrels = written(tmp_path, f"{QRELS}9 0 d1 1\n51 0 d9 1\n51 0 d2 -1\n", "q")
    collection = read_trec(topics, qrels, held, lenient=True)
    assert collection.qrels == {"51": {"d1": 1, "d2": 0}, "my q": {"d1": 1}}
    assert collection.notes == (
        "negative grades, read as 0: 1",
        "queries without text, left out: 1",
        "judgements of unknown queries, left out: 1",
        "judgements of unknown documents, left out: 1",
    )
