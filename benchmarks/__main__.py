"""`python -m benchmarks COMMAND`: what is measured and shown, from a checkout."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.collections import DEV, TEST, chosen, data_folder
from benchmarks.options import parser
from benchmarks.results import RESULTS, compact, measured_here, merged, read, write
from engine.errors import ShortlistError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from engine.protocols import Reranker

# Those that need no judged collections.
_ALONE: Final = ("hostile", "keep", "report", "schema")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(arguments)
    options.told = _told(arguments)
    alone = options.command in _ALONE or getattr(options, "name", "") == "gooaq"
    try:
        if not alone and data_folder() is None:
            raise ShortlistError("SHORTLIST_DATA does not name a folder of judged collections")
        RUN[options.command](options)
    except ShortlistError as error:
        sys.exit(f"Error: {error}")


def _told(arguments: Sequence[str]) -> str:
    """Return the command for the record, without places of this machine."""
    kept = list(arguments)
    while "--output" in kept:
        at = kept.index("--output")
        del kept[at : at + 2]
    named = [Path(part).name if Path(part).is_absolute() else part for part in kept]
    return shlex.join(["python", "-m", "benchmarks", *named])


def _quality(options: argparse.Namespace) -> None:
    from benchmarks.evaluated import Places
    from benchmarks.quality import PEER_KEYS, ROW_KEYS, Wanted, matrix

    wanted = Wanted(
        splits=chosen(DEV if options.splits == "dev" else TEST, options.only),
        sources=options.sources,
        depth=options.depth,
        queries=options.queries,
    )
    rerankers = [r for r in _rerankers(options.reranker or [""]) if r is not None]
    rows, peers = matrix(wanted, rerankers, Places.here())
    output = options.output or RESULTS / f"quality-{options.splits}.json"
    old = read(output) if options.only else {}
    write(output, {
        **measured_here(options.told),
        "rows": merged(old.get("rows", []), rows, ROW_KEYS),
        "peers": merged(old.get("peers", []), peers, PEER_KEYS),
    })  # fmt: skip


def _choices(options: argparse.Namespace) -> None:
    from benchmarks.choices import CELL_KEYS, CHOICES, measure, table
    from benchmarks.evaluated import Places

    names = options.names or list(CHOICES)
    for name in names:
        if name not in CHOICES:
            raise ShortlistError(f"there is no choice {name}; there are: {', '.join(CHOICES)}")
    splits = chosen(DEV, options.only)
    cells: list[dict[str, Any]] = read(options.output).get("cells", [])
    for name in names:
        for split in splits:
            found = measure(name, split, Places.here(), options.queries)
            cells = merged(cells, found, CELL_KEYS)
            write(options.output, {**measured_here(options.told), "cells": cells})
    for name in names:
        print(f"\n{table(name, cells)}")


def _recipe(options: argparse.Namespace) -> None:
    from benchmarks.evaluated import Places
    from benchmarks.recipe import RECIPES, beside, cook, gathered
    from engine.evaluation.table import render

    recipe = RECIPES[options.name]
    places = Places.here()
    collection = gathered(options.name, recipe, places.cache)
    rerankers = _rerankers(options.reranker or [recipe.reranker])
    report = cook(recipe, collection, rerankers, places)
    print(render(report))
    print("\n".join(beside(recipe, report)))
    output = options.output or RESULTS / f"recipe-{options.name}.json"
    write(output, {**measured_here(options.told), "rows": compact(report)})


def _speed(options: argparse.Namespace) -> None:
    from benchmarks.speed import measure_speed

    write(options.output, measure_speed(options.passages))


def _schema(options: argparse.Namespace) -> None:
    from benchmarks.schema import check_all, table

    found = check_all(options.examples, options.seed, options.reranker, options.only)
    write(options.output, found)
    print(table(found))
    if found["failures"]:
        raise ShortlistError(f"{found['failures']} failures; see above")


def _hostile(options: argparse.Namespace) -> None:
    from benchmarks.hostile import attack_all, require_none, table

    found = attack_all(options.requests, options.seed, options.reranker)
    write(options.output, found)
    print(table(found))
    require_none(found)


def _load(options: argparse.Namespace) -> None:
    from benchmarks.load import PARTS, measure_load, tables

    if wrong := set(options.only) - set(PARTS):
        raise ShortlistError(f"there is no part {wrong.pop()}; there are: {', '.join(PARTS)}")
    found = measure_load(options.seconds, options.reranker, options.only, options.documents)
    write(options.output, read(options.output) | found if options.only else found)
    print(tables(found))


def _material(options: argparse.Namespace) -> None:
    from benchmarks.material import write_material

    told = write_material(_data(), options.output, options.queries)
    learned = sum(source["pairs"] for source in told["learned"].values())
    print(f"{learned:,} queries of {len(told['learned'])} sources: {options.output}")


def _lists(options: argparse.Namespace) -> None:
    from benchmarks.lists import write_lists

    for name, count in write_lists(options.material, options.output).items():
        print(f"{count:,} {name}")


def _static(options: argparse.Namespace) -> None:
    from benchmarks.readme import MODELS
    from benchmarks.static_encoder import write_static
    from engine.bundled import ENCODER

    pairs, loss = write_static(_data(), options.work, MODELS / ENCODER, options.seed)
    print(f"{pairs:,} pairs, loss {loss:.3f}")


def _distil(options: argparse.Namespace) -> None:
    from benchmarks.distilled import write_distilled

    loss = write_distilled(_data(), options.work, options.output, options.seed)
    print(f"loss {loss:.3f}: {options.output}")


def _ship(options: argparse.Namespace) -> None:
    from benchmarks.models import ship
    from benchmarks.readme import MODELS

    folder = MODELS / options.model.resolve().name
    curve = ship(options.model, folder, options.material, _data(), options.about, options.beside)
    _show(curve)


def _refit(options: argparse.Namespace) -> None:
    from benchmarks.models import refit
    from benchmarks.readme import MODELS

    for name in options.names:
        if not (MODELS / name / "config.json").is_file():  # an encoder of tokens has none
            raise UsageError(f"no reranker of the name {name} comes along: see shortlist models")
        print(name)
        _show(refit(MODELS / name, options.material))


def _show(curve: dict[float, float]) -> None:
    print("\n".join(f"{weight:.1f}: {100 * value:.1f}" for weight, value in curve.items()))


def _keep(options: argparse.Namespace) -> None:
    from engine.evaluation.reports import read_report

    rows = [row for place in options.reports for row in compact(read_report(place))]
    old = read(options.output).get("rows", [])
    kept = merged(old, rows, ("collection", "split", "sources", "reranker", "depth", "queries"))
    write(options.output, {**measured_here(options.told), "rows": kept})


def _report(options: argparse.Namespace) -> None:
    from benchmarks.readme import update

    update(check=options.check)


def _data() -> Path:
    folder = data_folder()
    assert folder is not None  # noqa: S101 - main refused before
    return folder


def _rerankers(names: Sequence[str]) -> list[Reranker | None]:
    from engine.assemble import NO_RERANKER, load_reranker

    return [None if name == NO_RERANKER else load_reranker(name) for name in dict.fromkeys(names)]


RUN: Final[dict[str, Callable[[argparse.Namespace], None]]] = {
    "quality": _quality,
    "choices": _choices,
    "recipe": _recipe,
    "speed": _speed,
    "hostile": _hostile,
    "load": _load,
    "schema": _schema,
    "material": _material,
    "lists": _lists,
    "static": _static,
    "distil": _distil,
    "ship": _ship,
    "refit": _refit,
    "keep": _keep,
    "report": _report,
}


if __name__ == "__main__":
    main()
