"""`python -m benchmarks quality|speed`: what is measured, from a checkout."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.collections import DEV, TEST, data_folder, load

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run one benchmark and write its JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    quality = commands.add_parser("quality", help="nDCG@10 and recall@100 on judged collections")
    quality.add_argument("--splits", choices=["dev", "test"], default="test")
    quality.add_argument("--only", action="append", help="a collection (repeatable)")
    quality.add_argument("--reranker", default="")
    quality.add_argument("--rerank-depth", type=int, default=50)
    quality.add_argument("--reranked-queries", type=int, default=300, help="at most so many")
    quality.add_argument("--output", type=Path)
    speed = commands.add_parser("speed", help="index 100,000 passages and time stage one")
    speed.add_argument("--passages", type=int, default=100_000)
    speed.add_argument("--output", type=Path, default=RESULTS / "speed.json")
    options = parser.parse_args()
    if data_folder() is None:
        sys.exit("SHORTLIST_DATA does not name a folder of judged collections; nothing to measure")
    if options.command == "speed":
        from benchmarks.speed import measure_speed

        found = measure_speed(options.passages)
    else:
        found = _quality(options)
    output = options.output or RESULTS / f"quality-{options.splits}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(found, indent=1) + "\n")
    print(f"written to {output}")


def _quality(options: argparse.Namespace) -> dict[str, object]:
    from benchmarks.quality import matrix

    wanted = [
        load(name, split)
        for name, split in (DEV if options.splits == "dev" else TEST)
        if not options.only or name in options.only
    ]
    return matrix(
        wanted,
        reranker=options.reranker,
        most_reranked=options.reranked_queries,
        rerank_depth=options.rerank_depth,
    )


if __name__ == "__main__":
    main()
