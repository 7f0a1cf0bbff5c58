"""`python -m benchmarks COMMAND`: what is measured and shown, from a checkout."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from benchmarks.collections import DEV, TEST, chosen, data_folder
from benchmarks.results import RESULTS, compact, measured_here, merged, read, write
from engine.errors import ShortlistError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.protocols import Reranker
    from engine.types import Sources

# Those that need no judged collections.
_ALONE: Final = ("hostile", "keep", "report", "schema")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    options.told = _told(arguments)
    alone = options.command in _ALONE or getattr(options, "name", "") == "gooaq"
    try:
        if not alone and data_folder() is None:
            raise ShortlistError("SHORTLIST_DATA does not name a folder of judged collections")
        options.run(options)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    quality = commands.add_parser("quality", help="stage one and the rerankers on each collection")
    quality.add_argument("--splits", choices=["dev", "test"], default="test")
    quality.add_argument("--only", action="append", default=[], metavar="COLLECTION[/SPLIT]")
    quality.add_argument("--reranker", action="append", default=[], help="or none (repeatable)")
    quality.add_argument("--depth", type=int, default=50, help="documents that are reranked")
    quality.add_argument("--queries", type=int, default=300, help="at most so many are reranked")
    quality.add_argument("--sources", type=_sources, default="lexical,dense,hybrid")
    quality.add_argument("--output", type=Path)
    quality.set_defaults(run=_quality)
    choices = commands.add_parser("choices", help="what the search could do otherwise, on dev")
    choices.add_argument("names", nargs="*", metavar="CHOICE", help="default: all of them")
    choices.add_argument("--only", action="append", default=[], metavar="COLLECTION")
    choices.add_argument("--queries", type=int, help="of each (default 500; for weight 150)")
    choices.add_argument("--output", type=Path, default=RESULTS / "choices.json")
    choices.set_defaults(run=_choices)
    recipe = commands.add_parser("recipe", help="the published GooAQ experiment, and its like")
    recipe.add_argument("name", choices=["gooaq", "squad", "medquad"])
    recipe.add_argument("--reranker", action="append", default=[], help="or none (repeatable)")
    recipe.add_argument("--output", type=Path)
    recipe.set_defaults(run=_recipe)
    speed = commands.add_parser("speed", help="index 100,000 passages and time stage one")
    speed.add_argument("--passages", type=int, default=100_000)
    speed.add_argument("--output", type=Path, default=RESULTS / "speed.json")
    speed.set_defaults(run=_speed)
    for name, add, text in (
        ("hostile", _add_hostile, "what a server does with requests that no server wants"),
        ("load", _add_load, "throughput and latency of a server that many clients ask"),
        ("schema", _add_schema, "whether a server does what its OpenAPI says (schemathesis)"),
        ("material", _add_material, "what the models that ship learn from"),
        ("lists", _add_lists, "negatives for the material, mined source by source"),
        ("static", _add_static, "make the static encoder and put it into the package"),
        ("ship", _add_ship, "put a trained reranker into the package, fitted on watched sources"),
        ("keep", _add_keep, "the rows of reports that `shortlist evaluate` wrote"),
    ):
        add(commands.add_parser(name, help=text))
    report = commands.add_parser("report", help="the README's tables, of the committed results")
    report.add_argument("--check", action="store_true", help="only fail where they are stale")
    report.set_defaults(run=_report)
    return parser


def _add_material(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--queries", type=int, default=30_000, help="to learn from, in all")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    parser.set_defaults(run=_material)


def _add_lists(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("material", type=Path, metavar="MATERIAL")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    parser.set_defaults(run=_lists)


def _add_static(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work", type=Path, required=True, help="keeps what its teacher said")
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(run=_static)


def _add_ship(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="as shortlist train saved it")
    parser.add_argument("--material", type=Path, required=True)
    parser.add_argument("--about", required=True, help="a line for shortlist models")
    parser.add_argument("--beside", default="", help="a model that ships: take its equal weights")
    parser.set_defaults(run=_ship)


def _add_keep(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT")
    parser.add_argument("--output", type=Path, required=True)
    parser.set_defaults(run=_keep)


def _add_schema(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--examples", type=int, default=40, help="of each operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reranker", default="", help="as shortlist serve takes it")
    parser.add_argument("--only", action="append", default=[], metavar="WAY")
    parser.add_argument("--output", type=Path, default=RESULTS / "schema.json")
    parser.set_defaults(run=_schema)


def _add_hostile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reranker", default="", help="as shortlist serve takes it")
    parser.add_argument("--output", type=Path, default=RESULTS / "hostile.json")
    parser.set_defaults(run=_hostile)


def _add_load(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=20, help="of each figure (reranked: x 3)")
    parser.add_argument("--documents", type=int, default=0, help="of SciFact, default all")
    parser.add_argument("--reranker", default="", help="as shortlist serve takes it")
    parser.add_argument("--only", action="append", default=[], metavar="PART")
    parser.add_argument("--output", type=Path, default=RESULTS / "load.json")
    parser.set_defaults(run=_load)


def _sources(text: str) -> tuple[Sources, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in ("lexical", "dense", "hybrid"):
            raise argparse.ArgumentTypeError(f"{name!r} is none of lexical, dense, hybrid")
    return cast("tuple[Sources, ...]", names)


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

    data = data_folder()
    assert data is not None  # noqa: S101 - main refused before
    told = write_material(data, options.output, options.queries)
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

    data = data_folder()
    assert data is not None  # noqa: S101 - main refused before
    pairs, loss = write_static(data, options.work, MODELS / ENCODER, options.seed)
    print(f"{pairs:,} pairs, loss {loss:.3f}")


def _ship(options: argparse.Namespace) -> None:
    from benchmarks.models import ship
    from benchmarks.readme import MODELS

    data = data_folder()
    assert data is not None  # noqa: S101 - main refused before
    folder = MODELS / options.model.resolve().name
    curve = ship(options.model, folder, options.material, data, options.about, options.beside)
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


def _rerankers(names: Sequence[str]) -> list[Reranker | None]:
    from engine.assemble import NO_RERANKER, load_reranker

    return [None if name == NO_RERANKER else load_reranker(name) for name in dict.fromkeys(names)]


if __name__ == "__main__":
    main()
