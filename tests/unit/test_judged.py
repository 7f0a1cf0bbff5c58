from __future__ import annotations

import ast
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine.errors import CollectionError
from indexer.judged import open_collection
from indexer.judged.known import NAMES, known
from indexer.judged.tables import choose_split
from indexer.judged.written import checksum, written


def beir(home: Path, *splits: str) -> Path:
    (home / "qrels").mkdir()
    (home / "corpus.jsonl").write_text('{"_id": "d", "text": "corn"}\n')
    (home / "queries.jsonl").write_text('{"_id": "q", "text": "what"}\n')
    for split in splits:
        (home / "qrels" / f"{split}.tsv").write_text("q\td\t1\n")
    return home


def opened(what: Path | str, into: Path, split: str | None = None) -> str:
    return open_collection(str(what), split=split, into=into).label


@pytest.mark.parametrize(
    ("splits", "asked", "chosen"),
    [
        (("dev", "test"), None, "test"),
        (("dev",), None, "dev"),
        (("dev", "test"), "dev", "dev"),
    ],
)
def test_a_folder_is_read_at_the_split_that_is_meant(
    splits: tuple[str, ...], asked: str | None, chosen: str, tmp_path: Path
) -> None:
    folder = beir(tmp_path, *splits)
    assert opened(folder, tmp_path / "into", asked) == f"{tmp_path.name}/{chosen}"
    assert not (tmp_path / "into").exists()


def test_where_a_split_must_be_chosen_the_error_names_them(tmp_path: Path) -> None:
    folder = beir(tmp_path, "dev", "train")
    with pytest.raises(CollectionError, match="several splits; the splits there are: dev, train"):
        opened(folder, tmp_path)
    with pytest.raises(CollectionError, match=r"no qrels/x\.tsv; the splits there are: dev, train"):
        opened(folder, tmp_path, "x")


def test_a_folder_that_lacks_a_part_is_told_which(tmp_path: Path) -> None:
    folder = beir(tmp_path)
    with pytest.raises(CollectionError, match=r"no qrels/test\.tsv; the splits there are: none"):
        opened(folder, tmp_path)
    (folder / "corpus.jsonl").unlink()
    with pytest.raises(CollectionError, match=r"has no corpus\.jsonl"):
        opened(folder, tmp_path)


def test_a_file_is_read_as_pairs_and_has_no_splits(tmp_path: Path) -> None:
    path = tmp_path / "faq.json"
    path.write_text(json.dumps([{"question": "what", "answer": "corn"}]))
    assert opened(path, tmp_path / "into") == "faq"
    with pytest.raises(CollectionError, match=r"faq\.json has no splits; ask for none"):
        opened(path, tmp_path / "into", "test")


@pytest.mark.parametrize(
    "what", ["nothing", "missing.csv", "data/missing.jsonl", "a/b/c", "", "./x"]
)
def test_what_is_no_collection_is_told_what_it_may_be(what: str, tmp_path: Path) -> None:
    with pytest.raises(CollectionError) as caught:
        opened(what or tmp_path, tmp_path / "into")
    said = str(caught.value)
    assert "is no collection: it may be a folder with corpus.jsonl, queries.jsonl and qrels" in said
    assert "a dataset of the hub (owner/name)" in said


def test_lenience_reaches_the_reader(tmp_path: Path) -> None:
    folder = beir(tmp_path, "test")
    (folder / "qrels" / "test.tsv").write_text("q\td\t1\nq\te\t1\n")
    collection = open_collection(str(folder), split=None, into=tmp_path, lenient=True)
    assert collection.notes == ("judgements of unknown documents, left out: 1",)


@pytest.mark.parametrize(
    ("name", "repository", "qrels"),
    [
        ("scifact", "BeIR/scifact", "BeIR/scifact-qrels"),
        ("SciFact", "BeIR/scifact", "BeIR/scifact-qrels"),
        ("DBPedia", "BeIR/dbpedia-entity", "BeIR/dbpedia-entity-qrels"),
        ("touche2020", "BeIR/webis-touche2020", "BeIR/webis-touche2020-qrels"),
        ("cqadupstack/android", "mteb/cqadupstack-android", "mteb/cqadupstack-android"),
        ("nano-msmarco", "zeta-alpha-ai/NanoMSMARCO", "zeta-alpha-ai/NanoMSMARCO"),
        ("NanoFiQA", "zeta-alpha-ai/NanoFiQA2018", "zeta-alpha-ai/NanoFiQA2018"),
    ],
)
def test_known_names_lead_to_their_repositories(name: str, repository: str, qrels: str) -> None:
    found = known(name)
    assert found is not None
    assert (found.repository, found.qrels) == (repository, qrels)


def test_no_other_name_is_known() -> None:
    assert [name for name in ("", "squad", "sci", "nano", "owner/scifact") if known(name)] == []
    assert len(set(NAMES)) == len(NAMES) == 14 + 12 + 13


def test_the_names_of_nanobeir_are_those_of_sentence_transformers() -> None:
    spec = find_spec("sentence_transformers")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).parent / "sentence_transformer" / "evaluation" / "nano_beir.py"
    names: dict[str, str] = next(
        ast.literal_eval(node.value)
        for node in ast.parse(source.read_text()).body
        if isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == "DATASET_NAME_TO_HUMAN_READABLE"
    )
    theirs = {f"zeta-alpha-ai/Nano{name}" for name in names.values()}
    ours = {one.repository for name in NAMES if (one := known(name)) and one.whole}
    assert ours == theirs
    for short in names:
        assert known(f"nano-{short}") is not None


@pytest.mark.parametrize(
    ("splits", "asked", "chosen"),
    [
        (["train", "test"], None, "test"),
        (["train"], None, "train"),
        (["validation", "test"], "dev", "validation"),
        (["dev"], "validation", "dev"),
        (["train"], "train[:100]", "train[:100]"),
        (["dev"], "validation[10:]", "dev[10:]"),
    ],
)
def test_a_split_is_chosen_only_where_there_is_no_choice(
    splits: list[str], asked: str | None, chosen: str
) -> None:
    assert choose_split(splits, asked, "name") == chosen


@pytest.mark.parametrize(
    ("splits", "asked", "message"),
    [
        (["a", "b"], None, "name has several splits; the splits there are: a, b"),
        ([], None, "name has no split 'test'; the splits there are: none"),
        (["a"], "b", "name has no split 'b'; the splits there are: a"),
    ],
)
def test_a_split_that_is_not_there_is_an_error(
    splits: list[str], asked: str | None, message: str
) -> None:
    with pytest.raises(CollectionError, match=f"^{message}$"):
        choose_split(splits, asked, "name")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    with pytest.raises(ZeroDivisionError), written(path) as file:
        file.write("half")
        raise ZeroDivisionError
    assert list(path.parent.iterdir()) == []
    with written(path) as file:
        file.write("wh")
        file.write("ölé")
    assert path.read_text(encoding="utf-8") == "whölé"
    assert checksum(path) == file.checksum
