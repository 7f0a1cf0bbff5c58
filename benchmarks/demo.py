"""`make demo`: index a folder that is on every machine and ask three questions.

python -m benchmarks.demo FOLDER INDEX
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from engine.answer import SearchRequest
from engine.assemble import open_engine
from server.cli.show import show_answer

if TYPE_CHECKING:
    from engine.search import SearchEngine

# What the standard library answers; another folder is asked for what its own titles say.
_QUESTIONS = (
    "parse command line arguments",
    "compress a file with gzip",
    "run a function in another process with a timeout",
)


def main(folder: Path, index: Path) -> None:
    """Index a folder and print three answers, with what each stage did and how long it took."""
    shortlist = Path(sys.executable).with_name("shortlist")
    _say(f"shortlist index {folder} -i {index}")
    subprocess.run(
        [shortlist, "index", folder, "-i", index, "--exclude", "site-packages"], check=True
    )
    start = time.perf_counter()
    engine = open_engine(index)
    name = engine.reranker.name if engine.reranker else "none"
    print(f"\nmodels and index loaded in {time.perf_counter() - start:.1f} s; stage two: {name}")
    try:
        for question in _questions(folder, engine):
            _say(f'shortlist search "{question}" -i {index} -k 3 --rerank-depth 20 --explain')
            request = SearchRequest(query=question, k=3, rerank_depth=20, explain=True)
            show_answer(engine.search(request), explain=True)
    finally:
        engine.close()
    print(f"\nYour turn: {shortlist} index ~/Documents -i documents.index")


def _questions(folder: Path, engine: SearchEngine) -> list[str]:
    if (folder / "argparse.py").is_file():
        return list(_QUESTIONS)
    ids = range(1, 2000, 97)
    titles = {p.document.title for p in engine.snapshot.passages(ids)}
    return sorted(titles, key=len, reverse=True)[:3]


def _say(command: str) -> None:
    print(f"\n$ {command}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
