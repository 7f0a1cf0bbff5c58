"""Clients that no server wants: silent, slow, or gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.raw_requests import HOST, Attack, chunked_head, post, request

if TYPE_CHECKING:
    import random

    from benchmarks.raw_requests import Make


def _silent(chance: random.Random) -> Attack:
    whole = request("/search?q=a")
    sent = whole[: chance.randrange(len(whole) - 1)]
    return Attack(kind="half a head, then nothing", parts=(sent,), unanswered=not sent)


def _dripping_head(chance: random.Random) -> Attack:
    target = b"GET %b HTTP/1.1\r\n" % chance.choice((b"/livez", b"/search?q=a"))
    drops = tuple(b"X-%d: a\r\n" % number for number in range(60))
    return Attack(kind="a head by drops", parts=(target, HOST, *drops), pause=0.25)


def _half_body(chance: random.Random) -> Attack:
    whole = post(chance, b'{"query": "' + b"a" * 500 + b'"}')
    return Attack(kind="half a body, then nothing", parts=(whole[: -chance.randrange(1, 500)],))


def _dripping_body(chance: random.Random) -> Attack:
    head = chunked_head(chance)
    return Attack(kind="a body by drops", parts=(head, *(b"1\r\n \r\n",) * 60), pause=0.25)


def _dripping_unwanted(chance: random.Random) -> Attack:
    path = chance.choice((b"/nowhere", b"/livez", b"/admin/no"))
    head = b"POST %b HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n" % (path, HOST)
    drops = (b"1\r\n \r\n",) * 60
    return Attack(kind="a body by drops that nobody wants", parts=(head, *drops), pause=0.25)


def _leaving(chance: random.Random) -> Attack:
    whole = chance.choice(
        (post(chance, b'{"query": "' + b"fish " * 500 + b'"}'), request("/search?q=fish"))
    )
    sent = whole[: chance.randrange(1, len(whole) + 1)]
    return Attack(kind="a client that leaves", parts=(sent,), leaves=True, unanswered=True)


KINDS: Final[tuple[Make, ...]] = (
    _silent, _dripping_head, _half_body, _dripping_body, _dripping_unwanted, _leaving,
)  # fmt: skip
