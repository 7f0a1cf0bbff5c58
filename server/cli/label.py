"""`shortlist label`."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from engine.errors import UsageError
from server.cli.options import Place, index_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.answer import Result
    from engine.search import SearchEngine
    from indexer.judged.labelled import Labelled

_KEYS: Final = "y relevant · n not · 0-3 grade · s skip · b back · m more text · q quit"
_GRADES: Final = {"y": 1, "n": 0, "0": 0, "1": 1, "2": 2, "3": 3}
_DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class _Card:
    """One question to the judge: does a document answer a query, by the passages that were found?

    `heading` says which query it is, `count` which of its candidates.
    """

    query: str
    heading: str
    count: str
    passages: list[Result]

    @property
    def document(self) -> dict[str, str]:
        """The document as it is written down: what the judge saw, headings with the title."""
        first, *more = self.passages
        title = first.title if more else " > ".join(filter(None, (first.title, first.heading)))
        in_order = sorted(self.passages, key=lambda result: result.passage)
        return {
            "_id": first.document,
            "title": title,
            "text": "\n\n".join(result.text for result in in_order),
        }


@click.command()
@click.argument("queries", nargs=-1, metavar="[QUERY]...")
@index_option
@click.option(
    "--queries", "file", type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Judge for a file of queries: BEIR queries.jsonl, or lines ID<TAB>TEXT.",
)  # fmt: skip
@click.option("-o", "--output", type=Place(), default=None, metavar="FOLDER",
              help="The judgements, a folder (default INDEX.labels).")  # fmt: skip
@click.option("--split", type=click.Choice(["test", "dev", "train"]), default="test",
              show_default=True, help="What they are for; no query is in two.")  # fmt: skip
@click.option("--depth", type=click.IntRange(1, 100), default=10, show_default=True,
              help="Documents that each source gives.")  # fmt: skip
@click.option("--reranker", default="none", metavar="NAME|FOLDER|default|none", show_default=True,
              help="Add what this model ranks first.")  # fmt: skip
def command(  # noqa: PLR0913
    queries: tuple[str, ...],
    index: Path,
    file: Path | None,
    output: Path | None,
    split: str,
    depth: int,
    reranker: str,
) -> None:
    """Judge what is found for your own queries, so that evaluate and train can use it.

    Shows one candidate after the other, in an order that says nothing about its rank. The
    candidates are the first documents of each source, lexical, dense and both together, and of a
    reranker if one is named. Every judgement is saved at once; run the same command again to go on,
    or without a QUERY to go on with those of the FOLDER. What was skipped is asked again.

    \b
    y 1  relevant           s  skip, undecided
    n 0  not relevant       b  back, judge the last one again
    2 3  more than that     m  show the whole passage
                            q  quit

    Without a terminal the keys are read from standard input, one a line.
    """  # noqa: D301 - click reads the \b
    from engine.assemble import open_engine
    from indexer.judged.labelled import Labelled

    labels = Labelled(
        output or Path(f"{index.resolve().name.removesuffix('.index')}.labels"), split
    )
    asked = list(_wanted(labels, queries, file))
    engine = open_engine(index, "" if reranker == _DEFAULT else reranker)
    try:
        _ask(labels, _cards(engine, labels, asked, depth), _keys())
    finally:
        engine.close()
    _show_end(labels, index)


# -- what is asked -------------------------------------------------------------------------------


def _wanted(labels: Labelled, given: tuple[str, ...], file: Path | None) -> Iterator[str]:
    """Yield the ids of the queries to judge, each once; the folder's where none is given.

    Raises:
        UsageError: if there is none, or one that cannot be searched.
    """
    from engine.analysis import clean
    from engine.answer import SearchRequest
    from engine.runs import read_queries

    texts = [("", text) for text in given] + list(read_queries(file).items() if file else ())
    if not texts and not labels.queries:
        raise UsageError(
            f"give a QUERY or --queries FILE; {labels.folder} has none yet to go on with"
        )
    ids = [] if texts else list(labels.queries)
    for id, text in texts:
        if not text.strip():
            raise UsageError(f"the query {id} has no text" if id else "a QUERY is empty")
        ids.append(labels.add_query(SearchRequest(query=clean(text)).query, id))
    for id in dict.fromkeys(ids):
        other = labels.elsewhere(id)
        if not other:
            yield id
        elif texts:
            said = f"{labels.queries[id]!r} is judged for {other} already, and is left out here"
            click.echo(f"note: {said}", err=True)


def _cards(
    engine: SearchEngine, labels: Labelled, queries: list[str], depth: int
) -> Iterator[_Card]:
    """Yield what is to be judged; a query is searched for when its turn has come."""
    from indexer.judged.labelled import can_name
    from indexer.judged.pool import pool
    from server.cli.show import harmless

    for number, query in enumerate(queries, 1):
        text = labels.queries[query]
        found = pool(engine, text, depth)
        for note in found.notes:
            click.echo(f"note: {note}", err=True)
        for unfit in (document for document in found.documents if not can_name(document)):
            click.echo(f"note: {unfit!r} cannot stand in a line of judgements", err=True)
        documents = [document for document in found.documents if can_name(document)]
        done = labels.grades.get(query, {})
        left = [document for document in documents if document not in done]
        if not left:
            said = "everything found is judged already" if documents else "nothing found"
            click.echo(f"note: {text!r}: {said}", err=True)
        heading = f"query {number} of {len(queries)}: {harmless(text)}"
        for at, document in enumerate(left, 1 + len(documents) - len(left)):
            yield _Card(query, heading, f"{at} of {len(documents)}", found.documents[document])


# -- asking --------------------------------------------------------------------------------------


def _ask(labels: Labelled, cards: Iterator[_Card], key: Callable[[], str]) -> None:
    """Show card after card and write down what is said, until there is none or the judge quits."""
    shown: list[_Card] = []
    at = 0
    while True:
        if at == len(shown):
            card = next(cards, None)
            if card is None:
                return
            shown.append(card)
        card = shown[at]
        _show(card, new_query=at == 0 or shown[at - 1].query != card.query)
        said = _answer(card, key)
        if said == "q":
            return
        if said == "b":
            at = _back(labels, shown, at)
            continue
        if said != "s":
            labels.judge(card.query, card.document, _GRADES[said])
        at += 1


def _back(labels: Labelled, shown: list[_Card], at: int) -> int:
    """Take the last judgement back and return its place."""
    if not at:
        click.echo("this is the first one")
        return at
    before = shown[at - 1]
    document = before.document["_id"]
    if document in labels.grades.get(before.query, {}):  # it may have been skipped
        labels.take_back(before.query, document)
    return at - 1


def _answer(card: _Card, key: Callable[[], str]) -> str:
    """Return the first key that decides something."""
    from server.cli.show import harmless

    while True:
        click.echo(click.style(f"{_KEYS}: ", dim=True), nl=False)
        said = key()
        click.echo(harmless(said))
        if said == "m":
            for line in "\n".join(result.text for result in card.passages).splitlines():
                click.echo(f"    {harmless(line)}")
        elif said in _GRADES or said in {"s", "b", "q"}:
            return said
        else:
            click.echo("that is none of the keys")


def _show(card: _Card, *, new_query: bool) -> None:
    """Show a candidate without its score, rank or source.

    No word is marked: marks would speak for what lexical search found.
    """
    from server.cli.show import harmless, place

    if new_query:
        click.echo(click.style(f"\n{card.heading}", bold=True))
    click.echo(f"\n{card.count}")
    for result in card.passages:
        title = harmless(result.title)
        shown = f"  {title}" if title not in {"", result.document.rpartition("/")[2]} else ""
        click.echo(f"    {click.style(place(result), fg='cyan')}{shown}")
        click.echo(f"    {' '.join(harmless(result.snippet).split())}")


def _keys() -> Callable[[], str]:
    """Return what reads the next key: a press on a terminal, else a line; the end is `q`."""
    if not sys.stdin.isatty():
        lines = sys.stdin.buffer

        def read() -> str:
            line = lines.readline()
            return line.decode("utf-8", "replace").strip().lower() if line else "q"

        return read

    def press() -> str:
        try:
            return click.getchar().lower()
        except (KeyboardInterrupt, EOFError):
            return "q"

    return press


def _show_end(labels: Labelled, index: Path) -> None:
    """Say what there is now, and what to do with it."""
    counts = [len(grades) for grades in labels.grades.values()]
    if not counts:
        click.echo(f"\nnothing is judged for {labels.split} yet")
        return
    relevant = sum(g > 0 for grades in labels.grades.values() for g in grades.values())
    without = sum(not any(grades.values()) for grades in labels.grades.values())
    click.echo(
        f"\n{sum(counts):,} judgements ({relevant:,} relevant) of {len(counts):,} queries in"
        f" {labels.folder}/qrels/{labels.split}.tsv"
    )
    if without:
        click.echo(f"{without:,} queries have nothing relevant so far; they score 0 in a report")
    folder, place = str(labels.folder), str(index)
    if labels.split == "test":
        _show_next("evaluate", folder, "-i", place)
        _show_next("label", "-i", place, "-o", folder, "--split", "train", "QUERY")
    elif labels.split == "dev":
        _show_next("evaluate", folder, "-i", place, "--split", "dev")
    else:
        _show_next("train", folder, "-i", place, "-o", "my-model")


def _show_next(*words: str) -> None:
    click.echo(f"next: {shlex.join(['shortlist', *words])}")
