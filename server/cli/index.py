"""`shortlist index`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.errors import UsageError
from server.cli.options import Place, index_option, json_option
from server.cli.progress import make_progress
from server.cli.reencode import reencode_index, show_reencoded
from server.cli.show import harmless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.local.store import LocalStore
    from engine.protocols import Encoder
    from indexer.build import BuildOptions
    from indexer.reencoding import Reencoded
    from indexer.report import BuildReport, Failure

_SHOWN = 20  # failures listed; --json has all


@click.command()
@click.argument("paths", nargs=-1, type=Place())
@index_option
@click.option("--include", multiple=True, metavar="GLOB", help="Only such files (repeatable).")
@click.option("--exclude", multiple=True, metavar="GLOB", help="No such files (repeatable).")
@click.option("--language", default=None, metavar="CODE", help="Stem Latin words as (default en).")
@click.option("--name", default="", help="Put NAME/ before the ids of these documents.")
@click.option("--id-column", default=None, help="Records: the column of the id.")
@click.option("--title-column", default=None, help="Records: the column of the title.")
@click.option("--text-column", default=None, help="Records: the column of the text.")
@click.option("--encoder", default=None, metavar="NAME|FOLDER",
              help="Another static encoder; an index that is there is encoded again. '' is the"
              " default.")  # fmt: skip
@click.option("--watch", is_flag=True, help="Stay, and follow changes until interrupted.")
@click.option("--strict", is_flag=True, help="Exit 1 if a file could not be indexed.")
@click.option("--allow-empty", is_flag=True, help="Accept that a folder is empty now.")
@json_option
def command(  # noqa: PLR0913
    paths: tuple[Path, ...],
    index: Path,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    language: str | None,
    name: str,
    id_column: str | None,
    title_column: str | None,
    text_column: str | None,
    encoder: str | None,
    watch: bool,
    strict: bool,
    allow_empty: bool,
    as_json: bool,
) -> None:
    """Index folders and record files, or bring an index up to date.

    Only what changed costs time: run it again as often as you like. A folder's .gitignore and
    .shortlistignore are honoured, hidden files are left out. A record file (CSV, TSV, JSONL) that
    is named directly keeps its records' own ids.

    With --encoder and no PATHS an index gets another encoder, and nothing else changes.
    """
    from indexer.build import BuildOptions
    from indexer.columns import Columns

    if not paths and (encoder is None or watch):
        raise click.UsageError("Missing argument 'PATHS...'.")

    options = BuildOptions(
        include=include or None,
        exclude=exclude or None,
        columns=Columns(id=id_column, title=title_column, text=text_column),
        name=name,
        allow_empty=allow_empty,
    )
    store, model, reencoded = _open(index, language, encoder, make=bool(paths))
    if not paths:
        show_reencoded(model, reencoded, as_json=as_json)
        return
    report = _run(store, model, paths, options, as_json=as_json)
    if watch:
        # Also within a run: what is not committed then is read again next time.
        with suppress(KeyboardInterrupt):
            _watch(store, model, paths, options, as_json=as_json)
    if strict and report.failures:
        sys.exit(1)


def _open(
    index: Path, language: str | None, encoder: str | None, *, make: bool
) -> tuple[LocalStore, Encoder, Reencoded | None]:
    """Return the store and the encoder of an index, encoded again where another one is wanted."""
    from engine.analysis import Analyzer
    from engine.assemble import encoder_source, load_encoder, open_store
    from engine.config import IndexSettings

    if encoder is not None:
        encoder = encoder_source(encoder)
    store = open_store(index)
    settings = store.settings()
    if settings is None:
        if not make:
            raise UsageError(f"no index at {index} to encode again; give PATHS to make one")
        Analyzer(language or "en")  # an unknown language is an error before any work
        model = load_encoder(encoder or "")
        settings = IndexSettings(
            language=language or "en",
            encoder=model.name,
            encoder_source=encoder or "",
            dim=model.dim,
        )
        return open_store(index, settings), model, None
    if language is not None and language != settings.language:
        raise UsageError(
            f"{index} was made with language {settings.language!r}, not {language!r}:"
            " that is decided when an index is made; index into a new place"
        )
    if encoder is None:
        return store, load_encoder(settings.encoder_source), None
    model = load_encoder(encoder)
    if (model.name, encoder) == (settings.encoder, settings.encoder_source):
        return store, model, None
    return store, model, reencode_index(store, model, encoder, before=settings.encoder)


def _run(
    store: LocalStore,
    encoder: Encoder,
    paths: Sequence[Path],
    options: BuildOptions,
    *,
    as_json: bool,
    only_news: bool = False,
) -> BuildReport:
    """Bring the index up to date and say so; `only_news`: unless nothing happened."""
    from indexer.build import build

    progress = make_progress()
    try:
        report = build(store, encoder, paths, options, progress)
    finally:
        progress.finish()
    counts = report.documents
    if only_news and not (counts.added or counts.changed or counts.removed or counts.failed):
        return report
    if as_json:
        click.echo(json.dumps(report.to_dict(), ensure_ascii=False))
    else:
        _show(report)
    return report


def _show(report: BuildReport) -> None:
    counts = report.documents
    parts = [
        f"{number:,} {what}"
        for what, number in (
            ("added", counts.added),
            ("changed", counts.changed),
            ("removed", counts.removed),
            ("unchanged", counts.unchanged),
            ("failed", counts.failed),
        )
        if number
    ]
    click.echo(f"documents: {', '.join(parts) or 'none'}")
    click.echo(
        f"passages: {report.passages:,} in the index, {report.encoded:,} encoded,"
        f" {report.seconds:.1f} s"
    )
    _show_failures("failed", report.failures)
    if report.skipped:
        reasons = Counter(failure.reason for failure in report.skipped)
        text = ", ".join(f"{number:,} {reason}" for reason, number in reasons.most_common(5))
        click.echo(f"skipped: {text}")


def _show_failures(what: str, failures: Sequence[Failure]) -> None:
    for failure in failures[:_SHOWN]:
        click.echo(f"{what}: {harmless(failure.path)}: {harmless(failure.reason)}")
    if len(failures) > _SHOWN:
        click.echo(f"{what}: {len(failures) - _SHOWN:,} more (--json lists all)")


def _watch(
    store: LocalStore,
    encoder: Encoder,
    paths: Sequence[Path],
    options: BuildOptions,
    *,
    as_json: bool,
) -> None:
    from watchfiles import watch

    from engine.errors import IndexLocked, SourceError

    own = store.folder.resolve()
    click.echo("watching for changes (Ctrl-C ends)", err=True)
    caught_up = False  # what changed before the watch began is found by one more run
    for changes in watch(*paths, raise_interrupt=False, rust_timeout=1000, yield_on_timeout=True):
        if caught_up and all(Path(path).resolve().is_relative_to(own) for _, path in changes):
            continue  # nothing, or our own commits, where the index lies inside a watched folder
        try:
            _run(store, encoder, paths, options, as_json=as_json, only_news=True)
            caught_up = True
        except (SourceError, IndexLocked) as error:
            click.echo(f"not indexed: {error}", err=True)
            caught_up = isinstance(error, SourceError)  # another writer ends: try again
