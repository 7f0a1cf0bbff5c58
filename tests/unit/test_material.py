"""What the models that ship learn from."""

import gzip
import json
from pathlib import Path

from benchmarks.material import JUDGED, WATCHED, write_material
from indexer.training.reading import read_examples


def _mix(folder: Path, name: str, rows: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
        for n in range(rows):
            row = {
                "query": f"{name} question {n}",
                "positive": f"{name} text {n // 2}",
                "group": "g",
            }
            file.write(json.dumps(row) + "\n")


def _collection(folder: Path) -> None:
    (folder / "qrels").mkdir(parents=True)
    with (folder / "corpus.jsonl").open("w") as corpus:
        for n in range(6):
            corpus.write(json.dumps({"_id": f"d{n}", "title": "", "text": f"answer {n}"}) + "\n")
    with (folder / "queries.jsonl").open("w") as queries:
        for n in range(6):
            queries.write(json.dumps({"_id": f"q{n}", "text": f"question {n}"}) + "\n")
    for split, numbers in {"train": (0, 1, 2, 3), "test": (3, 4), "dev": (5,)}.items():
        lines = ["query-id\tcorpus-id\tscore", *(f"q{n}\td{n}\t1" for n in numbers)]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines) + "\n")


def _written(tmp_path: Path, queries: int) -> Path:
    for name, rows in {"large": 100, "small": 16, **dict.fromkeys(WATCHED, 4)}.items():
        _mix(tmp_path / "data" / "train-mix", name, rows)
    for name in JUDGED:
        _collection(tmp_path / "data" / name)
    write_material(tmp_path / "data", tmp_path / "material", queries)
    return tmp_path / "material"


def test_nothing_that_a_test_or_dev_split_judges_is_learned_or_indexed(tmp_path: Path) -> None:
    material = _written(tmp_path, 1000)
    text = (material / "corpus.jsonl").read_text()
    pairs = (material / "pairs" / "squad.jsonl").read_text()
    assert "answer 2" in text
    assert not any(f"answer {n}" in text for n in (3, 4, 5))
    assert not any(f"question {n}" in pairs for n in (3, 4, 5))


def test_watched_sources_are_collections_and_never_learned(tmp_path: Path) -> None:
    material = _written(tmp_path, 1000)
    for name in WATCHED:
        assert not (material / "pairs" / f"{name}.jsonl").exists()
        assert f"{name} text" not in (material / "corpus.jsonl").read_text()
        assert (material / "watched" / name / "qrels" / "test.tsv").read_text().count("\t1") == 4


def test_shares_follow_the_square_root_of_a_sources_size(tmp_path: Path) -> None:
    material = _written(tmp_path, 40)
    large, small = (
        len(read_examples(material / "pairs" / f"{name}.jsonl").examples)
        for name in ("large", "small")
    )
    assert large + small + 3 * 3 == 40
    assert 2 <= large / small <= 3  # 10 to 4, while there are six times as many rows


def test_every_pair_names_a_document_of_the_corpus(tmp_path: Path) -> None:
    material = _written(tmp_path, 30)
    known = {
        json.loads(line)["_id"] for line in (material / "corpus.jsonl").read_text().split("\n")[:-1]
    }
    for path in (material / "pairs").iterdir():
        for example in read_examples(path).examples:
            assert {c.document for c in example.candidates} <= known
