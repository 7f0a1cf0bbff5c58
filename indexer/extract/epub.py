"""EPUB: chapters in the order of the spine, their headings, what the package says of the book."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExtractionError
from indexer.extract.archive import Archive, Element, attribute, local, named, resolve
from indexer.extract.dates import seconds
from indexer.extract.draft import Draft

if TYPE_CHECKING:
    from pathlib import Path

    from engine.types import MetadataValue
    from indexer.types import Extracted

_CHAPTERS = frozenset(("application/xhtml+xml", "text/html", "application/x-dtbook+xml"))
_CONTAINER = "META-INF/container.xml"


def read(path: Path) -> Extracted:
    """Return a book."""
    from indexer.extract import html  # LEAF

    draft = Draft()
    with Archive(path) as archive:
        rootfile = next(named(archive.xml(_CONTAINER), "rootfile"), None)
        if rootfile is None:
            raise ExtractionError("damaged: it names no package")
        name = resolve("", attribute(rootfile, "full-path"))
        package = archive.xml(name)
        locked = _encrypted(archive)
        for chapter in _spine(package, name.rpartition("/")[0]):
            if chapter in locked:
                raise ExtractionError("encrypted (copy protection)")
            draft.part()
            html.read_text(draft, html.decode(archive.bytes(chapter)))
    about = _about(package)
    metadata: dict[str, MetadataValue] = {
        "author": ", ".join(about.get("creator", [])),
        "publisher": ", ".join(about.get("publisher", [])),
        "language": ", ".join(about.get("language", [])),
        "keywords": about.get("subject", []),
    }
    return draft.finish(
        title=" ".join(about.get("title", [])[:1]),
        metadata=metadata,
        date=seconds(next(iter(about.get("date", [])), None)),
    )


def _spine(package: Element, folder: str) -> list[str]:
    """Return the parts of the chapters in reading order, without the table of contents."""
    chapters: dict[str, str] = {}
    for item in named(package, "item"):
        navigation = "nav" in item.get("properties", "").split()
        if item.get("media-type") in _CHAPTERS and not navigation:
            chapters[item.get("id", "")] = resolve(folder, item.get("href", ""))
    references = [entry.get("idref", "") for entry in named(package, "itemref")]
    return [chapters[reference] for reference in references if reference in chapters]


def _encrypted(archive: Archive) -> set[str]:
    """Return the parts that copy protection locks (fonts are often obfuscated, and are no text)."""
    root = archive.optional_xml("META-INF/encryption.xml")
    if root is None:
        return set()
    return {resolve("", item.get("URI", "")) for item in named(root, "CipherReference")}


def _about(package: Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for metadata in named(package, "metadata"):
        for item in metadata.iter():
            if item.text and item.text.strip():
                found.setdefault(local(item), []).append(item.text.strip())
    return found
