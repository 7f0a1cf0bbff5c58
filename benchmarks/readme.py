"""The README's table of quality, made of what is committed in `results`."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

from benchmarks.collections import MULTILINGUAL
from benchmarks.results import RESULTS, Row, read
from benchmarks.tables import markdown, percent, shown
from engine.errors import ShortlistError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

README: Final = Path(__file__).parents[1] / "README.md"
MODELS: Final = README.parent / "engine" / "models"
QUALITY: Final = RESULTS / "quality-test.json"
_RESULTS: Final = "benchmarks/results/quality-test.json"
_BEGIN: Final = "<!-- quality -->"
_END: Final = "<!-- /quality -->"
_PRIMARY: Final = "nDCG@10"
_WIDE: Final = 118
_STAGE_ONE: Final = 5  # columns of the table
_HEAD: Final = (
    "", "bm25s", "BM25", "dense", "hybrid",
    "sample", "hybrid", "realistic", "always", "ceiling", "retrieval loss", "ranking loss",
)  # fmt: skip


def render(quality: Mapping[str, Any], results: str = _RESULTS) -> str:
    """Return what stands between the markers; `results` is the link to the figures."""
    rows: Sequence[Row] = quality["rows"]
    peers: Sequence[Row] = quality["peers"]
    names = dict.fromkeys(row["collection"] for row in rows)
    lines = [line for name in names for line in _lines(name, rows, peers)]
    width = len(_HEAD) if any(row["reranker"] for row in rows) else _STAGE_ONE
    table = markdown(_HEAD[:width], (line[:width] for line in lines))
    return f"{_intro(quality, results)}\n\n{table}"


def replaced(readme: str, table: str) -> str:
    """Return a README with another table.

    Raises:
        ShortlistError: if it has no place for one.
    """
    before, begin, rest = readme.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ShortlistError(f"README.md has no {_BEGIN} with {_END} after it; put them there")
    return f"{before}{begin}\n{table}\n{end}{after}"


def update(
    readme: Path = README, quality: Path = QUALITY, models: Path = MODELS, *, check: bool = False
) -> None:
    """Write the tables into the README and the cards of the models that ship, or only check them.

    Raises:
        ShortlistError: if a check finds that they are not those of the results, or if there is
            nothing to write.
    """
    found = read(quality)
    if not found:
        raise ShortlistError(f"there is no {quality}; run python -m benchmarks quality")
    _update(readme, render(found), quality, check=check)
    for card in sorted(models.glob("*/README.md")):
        table = render(_of(found, card.parent.name), f"../../../{_RESULTS}")
        _update(card, table, quality, check=check)


def _of(quality: Mapping[str, Any], model: str) -> Mapping[str, Any]:
    """Return the figures of stage one and of one model."""
    rows = quality["rows"]
    return {**quality, "rows": [r for r in rows if (r["reranker"] or model).startswith(model)]}


def _update(page: Path, table: str, quality: Path, *, check: bool) -> None:
    text = page.read_text("utf-8")
    new = replaced(text, table)
    if check and new != text:
        raise ShortlistError(
            f"the quality table in {page.name} is not that of {quality.name};"
            " run python -m benchmarks report"
        )
    if new != text:
        page.write_text(new, "utf-8")
    print(f"{page.name}: " + ("up to date" if new == text else "written anew"))


def _intro(quality: Mapping[str, Any], results: str) -> str:
    rows: Sequence[Row] = quality["rows"]
    dates = sorted({row["date"] for row in rows})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    text = (
        f"{_PRIMARY} on test splits, in percent, measured by ir-measures on {when} with"
        f" `python -m benchmarks quality` ([results]({results}))."
    )
    reranked = [row for row in rows if row["reranker"]]
    if not reranked:
        text += " Stage one alone on all queries, bm25s for comparison."
    else:
        models = " and ".join(dict.fromkeys(row["reranker"] for row in reranked))
        most = max(row["queries"] for row in reranked)
        text += (
            " Left: stage one alone on all queries, bm25s for comparison. Right: a sample of at"
            f" most {most:,} queries, {reranked[0]['depth']} documents reranked by {models}."
            " *Realistic* is what is served; *always* also reranks the relevant documents that"
            " stage one missed; *ceiling* is a perfect reranker of what it found. What the ceiling"
            " lacks is the retrieval loss, what realistic lacks to the ceiling the ranking loss."
        )
    return fill(text, _WIDE, break_long_words=False, break_on_hyphens=False)


def _lines(name: str, rows: Sequence[Row], peers: Sequence[Row]) -> Iterable[list[str]]:
    mine = [row for row in rows if row["collection"] == name]
    splits = dict.fromkeys(row["split"] for row in mine)
    first = {
        source: [r["base"][_PRIMARY] for r in mine if r["sources"] == source and not r["reranker"]]
        for source in ("lexical", "dense", "hybrid")
    }
    beside = [p[_PRIMARY] for p in peers if p["collection"] == name]
    title = shown(name)
    if len(splits) > 1:
        title += f", mean of {len(splits)}" + (" languages" if name == MULTILINGUAL else "")
    stage_one = [
        _mean(beside, len(splits)), *(_mean(values, len(splits)) for values in first.values())
    ]  # fmt: skip
    rerankers = list(dict.fromkeys(row["reranker"] for row in mine if row["reranker"]))
    if not rerankers:
        yield [title, *stage_one, *[""] * 7]
    for number, reranker in enumerate(rerankers):
        left = [title, *stage_one] if number == 0 else [f"{title}, {reranker}", *[""] * 4]
        rows = [row for row in mine if row["reranker"] == reranker]
        yield [*left, *(_two_stages(rows) if len(rows) == len(splits) else [""] * 7)]


def _two_stages(rows: Sequence[Row]) -> list[str]:
    """Return the figures of a reranker: of each split, as many as there are, the mean."""
    columns = ("base", "realistic", "always_rerank_positives", "ceiling")
    means = [fmean(row[column][_PRIMARY] for row in rows) for column in columns]
    figures = [percent(mean) for mean in means]
    better = int(means[1] > means[0])
    figures[better] = f"**{figures[better]}**"
    losses = [percent(fmean(row[x] for row in rows)) for x in ("retrieval_loss", "ranking_loss")]
    return [f"{sum(row['queries'] for row in rows):,}", *figures, *losses]


def _mean(values: Sequence[float], splits: int) -> str:
    """Return the mean over splits, nothing unless each has a figure."""
    return percent(fmean(values)) if len(values) == splits else ""
