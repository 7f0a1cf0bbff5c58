from __future__ import annotations

import io
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CollectionError
from engine.evaluation.trec import read_qrels, read_run, read_topics, write_qrels
from engine.runs import column, id_of_column, trec_lines

# Pieces that encoding could mix up, beside any text that UTF-8 can say.
IDS = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1),
    st.lists(
        st.sampled_from(["%", "%20", "20", "2", "C3%", "%A9", " ", "\t", "\u2028", "\ufeff", "é"]),
        min_size=1,
    ).map("".join),
)


def written(content: str, folder: str) -> Path:
    path = Path(folder, "file")
    path.write_bytes(content.encode())
    return path


@given(IDS, IDS)
def test_ids_are_written_apart_and_without_white_space(one: str, other: str) -> None:
    assert (column(one) == column(other)) == (one == other)
    assert column(one).split() == [column(one)]
    assert id_of_column(column(one)) == one


@given(
    st.dictionaries(
        IDS, st.dictionaries(IDS, st.integers(0, 10_000), min_size=1, max_size=5), min_size=1
    )
)
def test_judgements_come_back_as_they_were_written(qrels: dict[str, dict[str, int]]) -> None:
    file = io.StringIO()
    write_qrels(file, qrels)
    with tempfile.TemporaryDirectory() as folder:
        assert read_qrels(written(file.getvalue(), folder)) == qrels


@given(
    st.dictionaries(
        IDS, st.lists(IDS, min_size=1, max_size=5, unique=True), min_size=1, max_size=5
    ),
    st.floats(-1000, 1000),
)
def test_a_run_comes_back_in_its_order(ranked: dict[str, list[str]], top: float) -> None:
    lines = [
        line
        for query, documents in ranked.items()
        for line in trec_lines(query, [(document, top) for document in documents])
    ]
    with tempfile.TemporaryDirectory() as folder:
        run = read_run(written("\n".join(lines), folder))
    assert {query: list(scores) for query, scores in run.items()} == ranked
    for scores in run.values():
        assert sorted(scores.values(), reverse=True) == list(scores.values())
        assert len(set(scores.values())) == len(scores)


@given(
    st.text(alphabet=st.sampled_from(list("<>/topicnumle =\"'1\n\t{}[]!CDATA-&;:é")), max_size=200)
    | st.text(max_size=200)
)
def test_any_text_is_topics_qrels_and_a_run_or_an_error_that_names_the_file(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(text.encode("utf-8", "replace").decode(), folder)
        for read in (read_topics, read_qrels, read_run):
            try:
                found = read(path)
            except CollectionError as error:
                assert str(error).startswith(str(path))
            else:
                assert all(query for query in found)
