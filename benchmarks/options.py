"""The options of `python -m benchmarks`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from benchmarks.results import RESULTS

if TYPE_CHECKING:
    from engine.types import Sources

_SAYS: Final = "What is measured and shown, from a checkout."


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line; `command` is the name of the command."""
    whole = argparse.ArgumentParser(prog="python -m benchmarks", description=_SAYS)
    commands = whole.add_subparsers(dest="command", required=True)
    quality = commands.add_parser("quality", help="stage one and the rerankers on each collection")
    quality.add_argument("--splits", choices=["dev", "test"], default="test")
    quality.add_argument("--only", action="append", default=[], metavar="COLLECTION[/SPLIT]")
    quality.add_argument("--reranker", action="append", default=[], help="or none (repeatable)")
    quality.add_argument("--depth", type=int, default=50, help="documents that are reranked")
    quality.add_argument("--queries", type=int, default=300, help="at most so many are reranked")
    quality.add_argument("--sources", type=_sources, default="lexical,dense,hybrid")
    quality.add_argument("--output", type=Path)
    choices = commands.add_parser("choices", help="what the search could do otherwise, on dev")
    choices.add_argument("names", nargs="*", metavar="CHOICE", help="default: all of them")
    choices.add_argument("--only", action="append", default=[], metavar="COLLECTION")
    choices.add_argument("--queries", type=int, help="of each (default 500; for weight 150)")
    choices.add_argument("--output", type=Path, default=RESULTS / "choices.json")
    recipe = commands.add_parser("recipe", help="the published GooAQ experiment, and its like")
    recipe.add_argument("name", choices=["gooaq", "squad", "medquad"])
    recipe.add_argument("--reranker", action="append", default=[], help="or none (repeatable)")
    recipe.add_argument("--output", type=Path)
    speed = commands.add_parser("speed", help="index 100,000 passages and time stage one")
    speed.add_argument("--passages", type=int, default=100_000)
    speed.add_argument("--output", type=Path, default=RESULTS / "speed.json")
    for name, add, text in (
        ("hostile", _add_hostile, "what a server does with requests that no server wants"),
        ("load", _add_load, "throughput and latency of a server that many clients ask"),
        ("schema", _add_schema, "whether a server does what its OpenAPI says (schemathesis)"),
        ("material", _add_material, "what the models that ship learn from"),
        ("lists", _add_lists, "negatives for the material, mined source by source"),
        ("static", _add_static, "make the static encoder and put it into the package"),
        ("distil", _add_distil, "make the fast reranker of the one that ships"),
        ("ship", _add_ship, "put a trained reranker into the package, fitted on watched sources"),
        ("refit", _add_refit, "fit rerankers that ship to stage one as it is now"),
        ("keep", _add_keep, "the rows of reports that `shortlist evaluate` wrote"),
    ):
        add(commands.add_parser(name, help=text))
    report = commands.add_parser("report", help="the README's tables, of the committed results")
    report.add_argument("--check", action="store_true", help="only fail where they are stale")
    return whole


def _add_material(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--queries", type=int, default=30_000, help="to learn from, in all")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")


def _add_lists(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("material", type=Path, metavar="MATERIAL")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")


def _add_static(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work", type=Path, required=True, help="keeps what its teacher said")
    parser.add_argument("--seed", type=int, default=0)


def _add_distil(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work", type=Path, required=True, help="keeps what was learned so far")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)


def _add_ship(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="as shortlist train saved it")
    parser.add_argument("--material", type=Path, required=True)
    parser.add_argument("--about", required=True, help="a line for shortlist models")
    parser.add_argument("--beside", default="", help="a model that ships: take its equal weights")


def _add_refit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="+", metavar="NAME", help="rerankers that come along")
    parser.add_argument("--material", type=Path, required=True)


def _add_keep(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT")
    parser.add_argument("--output", type=Path, required=True)


def _add_schema(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--examples", type=int, default=40, help="of each operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reranker", default="", help="as shortlist serve takes it")
    parser.add_argument("--only", action="append", default=[], metavar="WAY")
    parser.add_argument("--output", type=Path, default=RESULTS / "schema.json")


def _add_hostile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reranker", default="", help="as shortlist serve takes it")
    parser.add_argument("--output", type=Path, default=RESULTS / "hostile.json")


def _add_load(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=20, help="of each figure (reranked: x 3)")
    parser.add_argument("--documents", type=int, default=0, help="of SciFact, default all")
    parser.add_argument("--reranker", default="", help="as shortlist serve takes it")
    parser.add_argument("--only", action="append", default=[], metavar="PART")
    parser.add_argument("--output", type=Path, default=RESULTS / "load.json")


def _sources(text: str) -> tuple[Sources, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in ("lexical", "dense", "hybrid"):
            raise argparse.ArgumentTypeError(f"{name!r} is none of lexical, dense, hybrid")
    return cast("tuple[Sources, ...]", names)
