"""Dates as documents write them, to seconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

_PDF = re.compile(r"D?:?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:([+-])(\d\d)'?(\d\d)?)?")


def seconds(value: object) -> float | None:
    """Return a date in any of the common forms as seconds since the epoch, or None.

    Knows datetime objects, ISO 8601, RFC 2822 (e-mail) and PDF's `D:20240131...`. A time without a
    zone is taken as UTC: an index must not depend on where it was built.
    """
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    elif isinstance(value, str) and value.strip():
        moment = _parsed(value.strip())
    else:
        return None
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.timestamp()
    except (OverflowError, ValueError):
        return None


def _parsed(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, _from_pdf, parsedate_to_datetime):
        try:
            return read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _from_pdf(text: str) -> datetime:
    match = _PDF.match(text)
    if match is None or not text.startswith("D:"):
        msg = "not a PDF date"
        raise ValueError(msg)
    year, month, day, hour, minute, second, sign, zone_hour, zone_minute = match.groups()
    zone = f"{sign}{zone_hour}:{zone_minute or '00'}" if sign else "+00:00"
    return datetime.fromisoformat(
        f"{year}-{month or '01'}-{day or '01'}"
        f"T{hour or '00'}:{minute or '00'}:{second or '00'}{zone}"
    )
