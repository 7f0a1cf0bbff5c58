"""A report as plain text for a terminal, at most WIDE columns wide."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from engine.evaluation.layout import (
    TESTED,
    WIDE,
    bar,
    chance,
    cut,
    mark,
    paragraph,
    percent,
    plain,
    table,
    tested,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.evaluation.compare import Comparison, Pair
    from engine.evaluation.sides import Change

    Report = Mapping[str, Any]
    Row = Mapping[str, Any]

COLUMNS: Final = ("base", "realistic", "always_rerank_positives", "ceiling")

# In the order of sentence-transformers, which calls them MAP, MRR and NDCG.
_FAMILIAR: Final = ("AP", "RR", "nDCG")
_COLUMNS_EXPLAINED: Final = (
    "Reranked: realistic, the reranker reads what stage one found, as deep as the row says."
    " always: it also reads the positives that were not found. ceiling: a perfect reranker reads"
    " what stage one found."
)
_MARKED: Final = (
    "+ better, - worse than base, beyond chance (paired randomisation test, p < 0.05 after Holm)"
)
_UNCHANGED: Final = "Same data, versions and settings"
_BAR: Final = 50
_FEW: Final = 15  # comparisons between rows that are shown all
_FEW_QUERIES: Final = 3  # of each kind, where two reports have several rows in common


def render(report: Report) -> str:
    """Return a report as text: what was judged, each row, one table, where the rest is lost."""
    parts = [
        _header(report),
        *(_block(n, row, report["measures"]) for n, row in _numbered(report)),
        _quality(report),
        _cost(report),
        _gap(report),
        _between(report),
        (line for note in report["data"]["notes"] for line in paragraph(f"note: {note}")),
    ]
    return _joined(parts)


def _joined(parts: Iterable[Iterable[str]]) -> str:
    return "\n\n".join(filter(None, ("\n".join(part) for part in parts))) + "\n"


def _numbered(report: Report) -> Iterator[tuple[int, Row]]:
    rows: Sequence[Row] = report["rows"]
    yield from enumerate(rows, 1)


def _header(report: Report) -> Iterator[str]:
    data, queries = report["data"], report["queries"]
    name = "/".join(filter(None, (report["collection"], report["split"])))
    whole = data.get("queries_in_split", queries)
    of = f" of {whole:,}" if whole > queries else ""
    yield plain(f"{name}: {queries:,}{of} queries, {data['documents']:,} documents")
    counts = (
        f"{name}: Min {of['min']:.1f}, Mean {of['mean']:.1f}, Max {of['max']:.1f}"
        for name, of in (("Positives", data["positives"]), ("Candidates", data["candidates"]))
    )
    yield "   ".join((f"Queries: {queries}", *counts))
    if made := data["synthetic"]:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in made["kinds"].items())
        yield from paragraph(
            f"SYNTHETIC: {made['how']} ({kinds}). Nobody asked these queries, and their own"
            f" passages hold {made['shared_words']:.0%} of their words: real ones are harder."
        )
    if any(row["realistic"] for row in report["rows"]):
        yield from paragraph(_COLUMNS_EXPLAINED)


def _system(row: Row) -> str:
    model = f", {row['reranker']}" if row["reranker"] else ""
    return f"{row['sources']}{model}, depth {row['depth']}"


def _block(number: int, row: Row, measures: Sequence[str]) -> Iterator[str]:
    """Yield a row's measures, in the manner of sentence-transformers' reranking evaluator."""
    ordered = sorted(measures, key=_familiar_first)
    longest = max(len(_familiar(name)) for name in ordered)
    reranked = row["realistic"] is not None
    between = " -> Reranked     always" if reranked else ""
    yield from paragraph(f"{number}  {_system(row)}")
    yield f"   {'':{longest}}     Base{between}    ceiling"
    for name in ordered:
        base, realistic, always, ceiling = (percent(row[c] and row[c][name]) for c in COLUMNS)
        between = f" -> {realistic:<8}   {always:>8}" if reranked else ""
        yield f"   {_familiar(name):{longest}}   {base:>6}{between}   {ceiling:>8}"


def _familiar(measure: str) -> str:
    return f"{measure} (M{measure})" if measure.startswith(("AP", "RR")) else measure


def _familiar_first(measure: str) -> int:
    name = measure.partition("@")[0]
    return (*_FAMILIAR, name).index(name)


def _short(row: Row) -> str:
    """Return a model's name without owner or folder, and without what it is: see its block."""
    return (row["reranker"] or "none").partition(" (")[0].rstrip("/").rpartition("/")[2]


def _quality(report: Report) -> Iterator[str]:
    measure = report["primary"]
    head = ("#", "sources", "depth", "reranker", "base", "realistic", "", "always", "ceiling")
    lines = [
        (
            *(n, row["sources"], row["depth"], _short(row)),
            *_around(row, "base", measure),
            *(*_around(row, "realistic", measure), mark(row["significance"])),
            *_around(row, "always_rerank_positives", measure),
            *_around(row, "ceiling", measure),
        )
        for n, row in _numbered(report)
    ]
    yield f"{measure} in percent, ± half of its 95 % interval over queries"
    yield from table(head, lines, left={1, 3, 6}, flexible=3)
    if any(line[6] for line in lines):
        yield _MARKED


def _around(row: Row, column: str, measure: str) -> tuple[str]:
    if row[column] is None:
        return ("",)
    low, high = row["intervals"][column][measure]
    return (f"{percent(row[column][measure])} ±{100 * (high - low) / 2:.1f}",)


def _cost(report: Report) -> Iterator[str]:
    alone = any(row["weight"] not in {None, 1} for row in report["rows"])
    head = ["#", "model", "parameters", "p", "pairs/s", "ms/query", "stage one"]
    lines = [
        [
            *(n, _short(row), _millions(row["parameters"])),
            chance(row["significance"]["p_corrected"]) if row["significance"] else "",
            "" if row["pairs_per_second"] is None else f"{row['pairs_per_second']:,.1f}",
            *(f"{row['ms_per_query']:,.1f}", f"{row['ms_first_stage']:,.1f}"),
        ]
        for n, row in _numbered(report)
    ]
    if alone:  # the order combines both stages: what the reranker's own order is worth
        head += ["weight", "alone", "always"]
        for line, row in zip(lines, report["rows"], strict=True):
            line += ["" if row["weight"] is None else f"{row['weight']:.2f}", *_alone(row, report)]
    yield from table(head, lines, left={1}, flexible=1)
    machine = report["machine"]
    timed = max(row["timed_queries"] for row in report["rows"])
    tests = "p: realistic against base, corrected. " if any(line[3] for line in lines) else ""
    yield from paragraph(
        f"{tests}Times: {timed} queries, one at a time, on"
        f" {machine.get('processor', '?')}, {machine.get('cores', '?')} cores."
        + (" alone: ranked by the reranker only, weight 1." if alone else "")
    )


def _alone(row: Row, report: Report) -> list[str]:
    measure = report["primary"]
    columns = ("realistic_alone", "always_rerank_positives_alone")
    return [percent(row[c] and row[c][measure]) for c in columns]


def _millions(parameters: int | None) -> str:
    return "" if parameters is None else f"{parameters / 1e6:,.1f}M"


def _gap(report: Report) -> Iterator[str]:
    measure = report["primary"]
    yield f"Where {measure} is lost: # reached, = ranked too low, . not among the candidates"
    for n, row in _numbered(report):
        reranked = row["realistic"] is not None
        reached = row["realistic" if reranked else "base"][measure]
        parts = reached, row["ceiling"][measure] - reached, row["retrieval_loss"]
        whole = f"{100 * sum(parts):.1f}".removesuffix(".0")
        points = [f"{100 * part:.1f}" for part in parts]
        ranking = "ranking loss" if reranked else "left to a reranker"
        yield (
            f"{n}  of {whole}: retrieval loss {points[2]} (not among the {row['depth']}"
            f" candidates), {ranking} {points[1]}, reached {points[0]}"
        )
        yield " " * (len(str(n)) + 2) + bar(parts, "#=.", _BAR)


def _between(report: Report) -> Iterator[str]:
    found: Sequence[Mapping[str, Any]] = report["comparisons"]
    if not found:
        return
    best = _best(report)
    few = [one for one in found if len(found) <= _FEW or best in (one["a"], one["b"])]
    yield f"Between rows, {found[0]['measure']} (realistic; base where there is no reranker)"
    head = ("rows", *TESTED)
    yield from table(
        head, ((f"{one['a'] + 1} -> {one['b'] + 1}", *tested(one)) for one in few), left={0}
    )
    if len(few) < len(found):
        yield f"These are the ones with the best row, {best + 1}; report.json has all {len(found)}"


def _best(report: Report) -> int:
    measure = report["primary"]
    reached = [(row["realistic"] or row["base"])[measure] for row in report["rows"]]
    return reached.index(max(reached))


def render_comparison(comparison: Comparison) -> str:
    """Return two reports side by side as text."""
    most = None if len(comparison.pairs) == 1 else _FEW_QUERIES
    parts = [
        [plain(f"A  {comparison.a}"), plain(f"B  {comparison.b}")],
        ["Changed", *_changes(comparison.changes)] if comparison.changes else [_UNCHANGED],
        *(_pair(pair, comparison.measure, most) for pair in comparison.pairs),
        [
            line
            for name, rows in (("A", comparison.unmatched_a), ("B", comparison.unmatched_b))
            for row in rows
            for line in paragraph(f"only in {name}: {row}")
        ],
        [line for note in comparison.notes for line in paragraph(f"note: {note}")],
    ]
    return _joined(parts)


def _changes(changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        what = f"   {plain(change.what)}: "
        room = (WIDE - len(what) - 4) // 2
        yield f"{what}{cut(_said(change.a), room)} -> {cut(_said(change.b), room)}"


def _said(value: object) -> str:
    return "none" if value is None else plain(value)


def _pair(pair: Pair, measure: str, most: int | None) -> Iterator[str]:
    yield from paragraph(pair.a if pair.a == pair.b else f"{pair.a} -> {pair.b}")
    yield from _changes(pair.changes)
    lines = (
        (one.column.replace("_", " "), percent(one.a), percent(one.b), *tested(asdict(one)))
        for one in pair.differences
    )
    yield from table((measure, "A", "B", *TESTED), lines, left={0}, indent="   ")
    queries = pair.queries
    yield (
        f"   {queries.won:,} queries are better in B, {queries.lost:,} worse,"
        f" {queries.equal:,} equal"
    )
    for name, some in (("better", queries.most_won), ("worse", queries.most_lost)):
        if some:
            yield from table(
                (name, "A", "B", "query"),
                ((q.query, percent(q.a), percent(q.b), q.text) for q in some[:most]),
                left={0, 3},
                flexible=3,
                indent="   ",
            )
