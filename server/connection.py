# pyright: basic
"""LEAF (uvicorn): one connection; none lasts for ever, and broken HTTP is told what is broken.

uvicorn waits without end for the head of a request, for a body that nobody wants any more and for
a client that does not take its answer. A body that is wanted has its time in `server.bodies`.
"""

from __future__ import annotations

import json
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from server.logs import REQUESTS, log_event
from server.problems import MEDIA_TYPE, HttpError

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS: Final = 10.0  # from the last answer, or the beginning, to the end of the next head
STUCK_SECONDS: Final = 20.0  # without a byte of the answer being taken
_LOOKS: Final = 4  # within that time; after a sleep of the machine one look sees nothing taken
_FLUSH_SECONDS: Final = 2.0  # for the last bytes of a connection that ends
_LONGEST_DETAIL: Final = 200  # characters; h11 repeats what it was sent
_OPEN: Final = (h11.IDLE, h11.SEND_RESPONSE)


class Connection(H11Protocol):
    """See H11Protocol."""

    head_seconds = HEAD_SECONDS
    stuck_seconds = STUCK_SECONDS
    _head_timer: asyncio.TimerHandle | None = None
    _stuck_timer: asyncio.TimerHandle | None = None
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """See H11Protocol."""
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """See H11Protocol."""
        if self._refused:
            return
        super().data_received(data)
        self._watch_head()

    def on_response_complete(self) -> None:
        """See H11Protocol."""
        super().on_response_complete()
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """See H11Protocol."""
        self._cancel_timers()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """See H11Protocol."""
        super().pause_writing()
        self._watch_answer(self.transport.get_write_buffer_size(), _LOOKS)

    def resume_writing(self) -> None:
        """See H11Protocol."""
        super().resume_writing()
        if self._stuck_timer:
            self._stuck_timer.cancel()
            self._stuck_timer = None

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, and say why."""
        error = sys.exception()
        status, detail = 400, msg
        if isinstance(error, h11.RemoteProtocolError):
            # An encoding that h11 does not know is 501 to it, but the client's choice all the same.
            status = error.error_status_hint if error.error_status_hint < 500 else 400
            detail = f"this is no HTTP request that can be read: {error}"[:_LONGEST_DETAIL]
        self._refuse(status, detail)

    # -- limits ------------------------------------------------------------------------------------

    def _watch_head(self) -> None:
        """Wait for a head, but not for ever; also for the end of a body that was not wanted."""
        busy = self.cycle is not None and not self.cycle.response_complete
        if busy or self._refused or self.transport.is_closing():
            if self._head_timer:
                self._head_timer.cancel()
            self._head_timer = None
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self._no_head)

    def _no_head(self) -> None:
        self._head_timer = None
        if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
            late = f"the head of the request did not arrive within {self.head_seconds:g} seconds"
            self._refuse(408, late)
        else:
            self._close()

    def _watch_answer(self, size: int, looks: int) -> None:
        """Look `looks` times more whether fewer than `size` bytes are left, then cut it off."""
        wait = self.stuck_seconds / _LOOKS
        self._stuck_timer = self.loop.call_later(wait, self._look, size, looks - 1)

    def _look(self, size: int, looks: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left < size:
            self._watch_answer(left, _LOOKS)
        elif looks:
            self._watch_answer(left, looks)
        else:
            self.transport.abort()

    def _cancel_timers(self) -> None:
        for timer in (self._head_timer, self._stuck_timer):
            if timer:
                timer.cancel()

    # -- the end -----------------------------------------------------------------------------------

    def _refuse(self, status: int, detail: str) -> None:
        """Answer before, or instead of, the application, and close; only close where it began."""
        if self.conn.our_state in _OPEN:
            id_ = str(uuid4())
            problem = HttpError(status, detail).body({"path": "", "state": {"request_id": id_}})
            body = json.dumps(problem).encode()
            headers = [
                (b"content-type", MEDIA_TYPE.encode()),
                (b"content-length", str(len(body)).encode()),
                (b"x-request-id", id_.encode()),
                (b"connection", b"close"),
            ]
            reason = HTTPStatus(status).phrase.encode()
            answer = h11.Response(status_code=status, headers=headers, reason=reason)
            for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event))
            client = self.client[0] if self.client else None
            log_event(REQUESTS, "request", route="other", status=status, id=id_, client=client)
        if self.cycle is not None:
            # The application, which may be waiting for the rest of a body, answers nobody.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._refused = True
        # What still comes is taken a while: else the kernel resets, and the answer is lost.
        self.transport.write_eof()
        self.loop.call_later(_FLUSH_SECONDS, self.transport.abort)

    def _close(self) -> None:
        self.transport.close()
        self.loop.call_later(_FLUSH_SECONDS, self.transport.abort)
