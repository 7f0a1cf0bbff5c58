"""Documents that are ZIP archives of XML: opened with limits, parsed without entities.

A few kilobytes can unfold to terabytes, so sizes are checked before a byte is unpacked, and again
while unpacking because an archive may lie about them. XML entities are refused: no office program
writes them, and "billion laughs" is made of nothing else. External ones are never fetched.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.etree import ElementTree

from engine.errors import ExtractionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

MAX_UNPACKED = 1 << 30
MAX_PART = 256 << 20
MAX_RATIO = 500
MAX_PARTS = 65_536
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENTITY = (b"<!ENTITY", "<!ENTITY".encode("utf-16-le"), "<!ENTITY".encode("utf-16-be"))

Element = ElementTree.Element


class Archive:
    """An open archive. Closed by `with`."""

    def __init__(self, path: Path) -> None:
        """Open an archive.

        Raises:
            ExtractionError: It is none, it is encrypted, or it would unfold beyond the limits.
        """
        self._zip = _open(path)
        parts = self._zip.infolist()
        unpacked = sum(part.file_size for part in parts)
        packed = sum(part.compress_size for part in parts)
        bomb = unpacked > MAX_RATIO * max(packed, 1) and unpacked > MAX_PART
        if unpacked > MAX_UNPACKED or len(parts) > MAX_PARTS or bomb:
            self._zip.close()
            raise ExtractionError("unpacks to more than the limit")
        if any(part.flag_bits & 1 for part in parts):
            self._zip.close()
            raise ExtractionError("encrypted")
        self._names = {part.filename for part in parts}

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def names(self, folder: str) -> list[str]:
        """Return the parts in a folder, sorted."""
        return sorted(name for name in self._names if name.startswith(folder))

    def bytes(self, name: str) -> bytes:
        """Return one part.

        Raises:
            ExtractionError: The part is missing, damaged or over the limit.
        """
        try:
            with self._zip.open(name) as part:
                data = part.read(MAX_PART + 1)
        except KeyError as error:
            msg = f"damaged: its part {PurePosixPath(name).name} is missing"
            raise ExtractionError(msg) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
            msg = f"damaged: its part {PurePosixPath(name).name} cannot be unpacked"
            raise ExtractionError(msg) from error
        if len(data) > MAX_PART:
            raise ExtractionError("unpacks to more than the limit")
        return data

    def xml(self, name: str) -> Element:
        """Return the root of one XML part.

        Raises:
            ExtractionError: See `bytes`; or the part is no XML, or has entities.
        """
        return parse(self.bytes(name), name)

    def optional_xml(self, name: str) -> Element | None:
        """Return the root of an XML part that a document need not have."""
        return self.xml(name) if name in self else None

    def relations(self, name: str) -> dict[str, tuple[str, str]]:
        """Return what a part of an Office file points to: id -> (last word of the type, part)."""
        folder, _, file = name.rpartition("/")
        root = self.optional_xml(f"{folder}/_rels/{file}.rels".lstrip("/"))
        found: dict[str, tuple[str, str]] = {}
        for relation in root if root is not None else ():
            if relation.get("TargetMode") == "External":
                continue
            type_ = relation.get("Type", "").rpartition("/")[2]
            found[relation.get("Id", "")] = (type_, resolve(folder, relation.get("Target", "")))
        return found


def parse(data: bytes, name: str) -> Element:
    """Return the root of XML that declares no entities.

    Raises:
        ExtractionError: It is no XML, or it declares entities.
    """
    if any(entity in data for entity in _ENTITY):
        raise ExtractionError("refused: its XML declares entities")
    try:
        # expat loads nothing external, and from 2.4 on limits what entities may unfold to.
        return ElementTree.fromstring(data)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        msg = f"damaged: its part {PurePosixPath(name).name} is no XML"
        raise ExtractionError(msg) from error


def local(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def named(root: Element, name: str) -> Iterator[Element]:
    """Yield the elements of one local name below (and including) root, in document order."""
    return (element for element in root.iter() if local(element) == name)


def attribute(element: Element, name: str) -> str:
    """Return an attribute by its local name, or nothing."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return value
    return ""


def resolve(folder: str, target: str) -> str:
    """Return the part that a reference in a folder names, without leaving the archive."""
    target = unquote(target.partition("#")[0])
    steps = [] if target.startswith("/") else [step for step in folder.split("/") if step]
    for step in target.split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError) as error:
        with path.open("rb") as file:
            head = file.read(8)
        if head == _OLE:
            raise ExtractionError("encrypted, or an old Office file under a new name") from error
        raise ExtractionError("damaged, or cut off while it was copied") from error
