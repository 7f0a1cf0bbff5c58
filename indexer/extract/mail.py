"""E-mail: one message (.eml, .mhtml) or a box of them (.mbox), subject as title or heading."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.utils import getaddresses
from typing import TYPE_CHECKING, cast

from engine.errors import ExtractionError
from indexer.extract import text
from indexer.extract.dates import seconds
from indexer.extract.draft import Draft, one_line
from indexer.extract.kinds import file_type

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from engine.types import MetadataValue
    from indexer.types import Extracted

_KNOWN = ("from", "to", "subject", "date", "message-id", "received", "content-type")
_BOX_LINE = re.compile(rb"^From \S.*\n", re.MULTILINE)


def read(path: Path) -> Extracted:
    """Return a message with who wrote it to whom, or a box with a section a message."""
    data = path.read_bytes().replace(b"\r\n", b"\n")
    if file_type(path) == "mbox":
        return _box(data)
    message = _message(data)
    draft = Draft()
    _body(draft, message)
    people = {name: _people(message, name) for name in ("from", "to", "cc")}
    metadata: dict[str, MetadataValue] = {
        "author": ", ".join(people["from"]),
        "to": people["to"],
        "cc": people["cc"],
        "attachments": list(_attachments(message)),
    }
    return draft.finish(
        title=_header(message, "subject"),
        metadata=metadata,
        date=seconds(_header(message, "date")),
        headed=False,
    )


def _box(data: bytes) -> Extracted:
    starts = [match.end() for match in _BOX_LINE.finditer(data)]
    if not starts:
        raise ExtractionError("damaged: it is no mailbox")
    ends = [*(match.start() for match in _BOX_LINE.finditer(data)), len(data)][1:]
    draft = Draft()
    for start, end in zip(starts, ends, strict=True):
        message = _message(data[start:end])
        draft.heading(1, _header(message, "subject") or "(no subject)")
        draft.block(", ".join(_people(message, "from")))
        _body(draft, message)
    return draft.finish(headed=False)


def _message(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    if not any(name in message for name in _KNOWN):
        raise ExtractionError("damaged: it has no mail headers")
    return message


def _body(draft: Draft, message: EmailMessage) -> None:
    """Write the text of a message, plain before HTML, then the names of its attachments."""
    body = message.get_body(("plain", "html", "related"))
    if body is not None:
        if body.get_content_type() == "multipart/related":
            body = next(
                (part for part in body.walk() if part.get_content_maintype() == "text"), body
            )
        words = _decoded(cast("EmailMessage", body))
        if body.get_content_type() == "text/html":
            from indexer.extract import html  # LEAF

            draft.part()
            html.read_text(draft, words)
        else:
            draft.block(words)
    names = list(_attachments(message))
    if names:
        draft.block("Attachments: " + ", ".join(names))


def _decoded(part: EmailMessage) -> str:
    """Return the text of a part, guessing where its charset is unknown or a lie."""
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    try:
        return data.decode(part.get_content_charset("utf-8")).replace("\r\n", "\n")
    except (LookupError, ValueError):
        return text.decode(data)


def _attachments(message: EmailMessage) -> Iterator[str]:
    for part in message.walk():
        name = part.get_filename()
        if name and part.get_content_disposition() == "attachment":
            yield one_line(name)


def _people(message: EmailMessage, header: str) -> list[str]:
    values = [str(value) for value in message.get_all(header, [])]
    return [f"{name} <{mail}>" if name else mail for name, mail in getaddresses(values) if mail]


def _header(message: EmailMessage, name: str) -> str:
    return one_line(str(message.get(name, "")))
