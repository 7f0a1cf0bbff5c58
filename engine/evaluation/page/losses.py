"""The worst losses: what was expected, what came instead, and which stage lost it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.evaluation.page.figures import percent, plural
from engine.evaluation.page.markup import Html, clip, tag, user
from engine.evaluation.page.parts import row_name
from engine.evaluation.page.view import REALISTIC, Row, View, number, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LOSSES: Final = 20
_OPEN: Final = 3  # at first
_EXPECTED, _RETURNED = 5, 3
_RANKS: Final = {"lexical": "BM25", "dense": "dense", "fused": "fused", "final": "final"}


def section(view: View) -> Html | None:
    """Return the losses, None where there are none."""
    losses: Sequence[Mapping[str, Any]] = view.raw.get("losses") or []
    if not losses:
        return None
    index = whole(losses[0].get("row"))
    row = view.rows[index] if index is not None and 0 <= index < len(view.rows) else view.headline
    return tag(
        "section",
        tag("h2", "The worst losses"),
        tag(
            "p",
            row_name(row),
            ". Ranks are places in each list: BM25 and dense are the sources, fused is stage one, "
            "final is what people see; – means not there.",  # noqa: RUF001
            class_="lead",
        ),
        [_loss(n, loss, row, view.primary) for n, loss in enumerate(losses[:_LOSSES])],
        id="losses",
    )


def _loss(n: int, loss: Mapping[str, Any], row: Row, primary: str) -> Html:
    expected: list[Mapping[str, Any]] = list(loss.get("expected") or ())
    returned: list[Mapping[str, Any]] = list(loss.get("returned") or ())
    value, best = number(loss.get("value")), number(loss.get("best"))
    reached = f"{primary} {percent(value)}"
    if best is not None:
        reached += f" of {percent(best)} possible"
    return tag(
        "details",
        tag(
            "summary",
            tag("h3", user(clip(str(loss.get("text") or ""), 300))),
            tag("span", tag("span", _stage(loss), class_=f"badge {_look(loss)}"), " ",
                told(loss, row), class_="told"),
        ),
        tag("p", f"{reached} · query ", user(clip(str(loss.get("query")), 80), "code"),
            class_="soft"),
        tag(
            "div",
            _column("Expected", expected, _EXPECTED, wanted=True),
            _column("Returned", returned, _RETURNED, wanted=False),
            class_="sides",
        ),
        class_="loss",
        open=n < _OPEN,
    )  # fmt: skip


def _look(loss: Mapping[str, Any]) -> str:
    return "retrieval" if loss.get("stage") == "retrieval" else "ranking"


def _stage(loss: Mapping[str, Any]) -> str:
    return "Lost in retrieval" if loss.get("stage") == "retrieval" else "Lost in ranking"


def told(loss: Mapping[str, Any], row: Row) -> str:
    """Say at which stage the best of what was expected was lost."""
    ranks = [_ranks(entry) for entry in loss.get("expected") or ()]
    fused = [rank for found in ranks if (rank := found["fused"]) is not None]
    if loss.get("stage") == "retrieval" or not fused:
        if not fused:
            return f"Not among the {row.depth} candidates: no source found it."
        return f"Not among the {row.depth} candidates: stage one has it at rank {min(fused)}."
    nearest = min(ranks, key=lambda found: found["fused"] or 10**9)
    if row.last is not REALISTIC:
        return f"Rank {nearest['fused']} in stage one, and no reranker to move it."
    if nearest["final"] is None:
        return f"Candidate {nearest['fused']}, and no longer returned after the reranker."
    return f"Candidate {nearest['fused']}, ranked {nearest['final']} by the reranker."


def _ranks(entry: Mapping[str, Any]) -> dict[str, int | None]:
    ranks: Mapping[str, Any] = entry.get("ranks") or {}
    return {key: whole(ranks.get(key)) for key in _RANKS}


def _column(name: str, entries: Sequence[Mapping[str, Any]], most: int, *, wanted: bool) -> Html:
    more = len(entries) - most
    return tag(
        "div",
        tag("h4", name),
        [_document(entry, wanted=wanted) for entry in entries[:most]],
        tag("p", "Nothing.", class_="soft") if not entries else None,
        tag("p", f"and {plural(more, 'more document')}", class_="soft") if more > 0 else None,
    )


def _document(entry: Mapping[str, Any], *, wanted: bool) -> Html:
    id_, title = str(entry.get("document") or ""), str(entry.get("title") or "")
    grade = whole(entry.get("grade")) or 0
    judged = f"grade {grade}" if wanted else f"relevant, grade {grade}" if grade > 0 else ""
    badges = [
        tag("li", name, " ", tag("b", "–" if rank is None else f"{rank:,}"))  # noqa: RUF001
        for (key, rank) in _ranks(entry).items()
        if (name := _RANKS[key])
    ]
    return tag(
        "article",
        tag("p", user(clip(title or id_, 200), "b"),
            tag("span", judged, class_="badge good") if judged else None),
        user(clip(id_, 120), "code") if title else None,
        user(clip(str(entry.get("text") or ""), 300), "p", "text"),
        tag("ul", badges, class_="ranks", aria_label="Ranks"),
    )  # fmt: skip
