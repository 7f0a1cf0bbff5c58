"""What the models that ship learn from."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.lists import write_lists
from benchmarks.material import JUDGED, WATCHED, write_material, write_unseen
from benchmarks.models import refit, reliability, ship
from engine.errors import UsageError
from engine.evaluation.beir import read_beir
from engine.rerankers import load
from indexer.training.joining import write_joined
from indexer.training.reading import read_examples
from tests.tiny_models import WINDOW, save_headless


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


def test_what_is_reported_of_a_watched_source_shares_no_question_and_no_answer_with_it(
    tmp_path: Path,
) -> None:
    source = WATCHED[0]
    _written(tmp_path, 1000)
    _mix(tmp_path / "data" / "train-mix", source, 400)
    write_material(tmp_path / "data", tmp_path / "material", 1000)
    write_unseen(tmp_path / "data", tmp_path / "unseen", source)
    watched = read_beir(tmp_path / "material" / "watched" / source)
    unseen = read_beir(tmp_path / "unseen")
    assert len(watched.queries) == 150
    assert len(unseen.queries) > 50
    assert not {*watched.queries.values()} & {*unseen.queries.values()}
    answers = [{d for row in c.qrels.values() for d in row} for c in (watched, unseen)]
    assert not answers[0] & answers[1]
    assert watched.checksums["corpus.jsonl"] == unseen.checksums["corpus.jsonl"]


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


def test_every_list_has_negatives_of_its_own_source_alone(tmp_path: Path) -> None:
    material = _written(tmp_path, 1000)
    told = write_lists(material, tmp_path / "lists.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "lists.jsonl").read_text().splitlines()]
    assert told == {"large": 100, "small": 16}  # the judged ones have too few documents
    assert len(rows) == 116
    for row in rows:
        source = row["query"].split()[0]
        texts = [row["positive"], *(row[f"negative_{n}"] for n in range(1, 6))]
        assert all(text.startswith(source) for text in texts)
        assert len(set(texts)) == 6
        number = int(row["query"].split()[-1])
        assert row["positive"] == f"{source} text {number // 2}"
    assert write_lists(material, tmp_path / "again.jsonl") == told
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "lists.jsonl").read_bytes()


def _model(tmp_path: Path, card: str) -> Path:
    """Return a tiny reranker that may ship, and have what it learned from attributed."""
    model = tmp_path / "mine"
    model.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(1)  # another head might rank the four questions upside down
        write_joined(save_headless(tmp_path / "plain"), model, start=1, layers=1, window=WINDOW)
    (model / "README.md").write_text(card)
    (tmp_path / "data" / "train-mix" / "SOURCES.md").write_text(
        "# Sources\n\n## large\n* From: here\n* Licence: mine\n"
        "\n## small\n* From: there\n* Licence: yours\n"
    )
    return model


def test_a_shipped_model_ranks_as_the_trained_one_and_says_what_was_fitted(tmp_path: Path) -> None:
    material = _written(tmp_path, 1000)
    card = (
        "# mine\n\n## Before and after\n\nbetter\n\n## Use\n\nit\n\n## Data\n\nsome\n\n"
        "Its share of the final score is 0.1; more\n\nVersions: of all\n"
    )
    model, shipped = _model(tmp_path, card), tmp_path / "shipped"
    ship(model, shipped, material, tmp_path / "data", "for tests")
    reranker = load(str(shipped))
    assert reranker.weight == 0.7  # of few questions none is chosen
    pairs = [("the sea", "a fish swims"), ("the sea", "red and blue")]
    assert reranker.relevance(reranker.score(pairs).logits) is not None
    trained = load(str(model)).score(pairs).logits
    assert reranker.score(pairs).logits == pytest.approx(trained, abs=0.2)
    card = (shipped / "README.md").read_text()
    assert "<!-- quality -->" in card
    assert "  relevance said  candidates  relevant\n" in card
    assert card.count("share of the final score") == 1
    assert card.endswith("some\n\nVersions: of all\n")
    places = [
        card.index(f"\n## {part}") for part in ("What was", "Beside", "Use", "Before", "Data")
    ]
    assert places == sorted(places)
    assert "## small\n* From: there\n* Licence: yours" in (shipped / "ATTRIBUTION.md").read_text()


def test_a_model_that_ships_is_fitted_anew_and_only_that_is_said_anew(tmp_path: Path) -> None:
    material = _written(tmp_path, 1000)
    model, shipped = (
        _model(tmp_path, "# mine\n\n## How it was made\n\nby learning\n"),
        tmp_path / "s",
    )
    ship(model, shipped, material, tmp_path / "data", "for tests")
    before = {path.name: path.read_bytes() for path in shipped.iterdir()}
    card = (shipped / "README.md").read_text()
    stale = card.replace("share of the final score is 0.7", "share of the final score is 0.1")
    (shipped / "README.md").write_text(stale)
    (shipped / "shortlist.json").write_text('{"weight": 0.1, "about": "for tests"}')
    refit(shipped, material)
    assert {path.name: path.read_bytes() for path in shipped.iterdir()} == before


def test_a_plot_shows_what_probabilities_are_worth_and_where_each_bar_should_end() -> None:
    chances = np.array([0.05] * 20 + [0.5, 0.5, 1.0])
    relevant = np.array([False] * 19 + [True, True, False, True])
    assert reliability(chances, relevant).split("\n")[1:] == [
        "       0 to 10 %          20        5%  ##|",
        "      50 to 60 %           2       50%  " + "#" * 20 + "|",
        "     90 to 100 %           1      100%  " + "#" * 40 + "|",
    ]


def test_a_distilled_twin_keeps_its_feed_forward_layers_in_four_bits_and_its_own_card(
    tmp_path: Path,
) -> None:
    material = _written(tmp_path, 1000)
    model = _model(tmp_path, "# mine\n\nhalf the time\n\n## How it was made\n\nby learning\n")
    other, twin = tmp_path / "other", tmp_path / "twin"
    for folder, beside in ((other, ""), (twin, "other")):
        ship(model, folder, material, tmp_path / "data", "for tests", beside)
    sizes = [(folder / "compact.safetensors").stat().st_size for folder in (other, twin)]
    assert sizes[1] < sizes[0] / 2
    pairs = [("the sea", "a fish swims"), ("the sea", "red and blue")]
    trained = load(str(model)).score(pairs).logits
    assert load(str(twin)).score(pairs).logits == pytest.approx(trained, abs=0.5)
    card = (twin / "README.md").read_text()
    assert card.startswith("# mine\n\nhalf the time\n\n## What was measured")
    assert card.endswith("## How it was made\n\nby learning\n")


def test_a_card_that_nobody_here_wrote_does_not_ship(tmp_path: Path) -> None:
    material = _written(tmp_path, 1000)
    model = _model(tmp_path, "# mine\n")
    with pytest.raises(UsageError, match="no card that shortlist train or distil wrote"):
        ship(model, tmp_path / "shipped", material, tmp_path / "data", "for tests")
