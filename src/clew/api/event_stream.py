"""An answer that lasts: server-sent events, while whoever reads them still may."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from clew.api.live import Hub, Subscription
from clew.kernel.errors import AuthenticationError, ForbiddenError, LimitError

MEDIA_TYPE: Final = "text/event-stream"
HEARTBEAT_SECONDS: Final = 15.0
RECHECK_SECONDS: Final = 60.0
_TICK_SECONDS: Final = 0.5
_SEND_SECONDS: Final = 30.0
_RETRY: Final = b"retry: 3000\n\n"
_HEARTBEAT: Final = b": alive\n\n"


class EventStream(Response):
    """Sends what a subscription brings until the reader is gone, too slow, or may not read it any more.

    `recheck` raises AuthenticationError or ForbiddenError when that is so; it is asked whenever rights in the
    organization change, and every minute. `ends` says that the server stops.
    """

    def __init__(
        self,
        hub: Hub,
        subscribe: Callable[[], contextlib.AbstractContextManager[Subscription]],
        recheck: Callable[[], None],
        ends: Callable[[], bool],
    ) -> None:
        super().__init__(None, 200, media_type=MEDIA_TYPE)
        self._hub = hub
        self._subscribe = subscribe
        self._recheck = recheck
        self._ends = ends

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        with self._subscribe() as subscription:
            headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]
            headers.append((b"x-accel-buffering", b"no"))  # proxies are not to hold events back
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            gone = asyncio.create_task(_gone(receive))
            try:
                await self._stream(subscription, send, gone)
                await _send(send, b"", more=False)
            except TimeoutError:
                return  # the reader does not read: the connection is closed
            finally:
                gone.cancel()

    async def _stream(self, subscription: Subscription, send: Send, gone: "asyncio.Task[None]") -> None:
        await _send(send, _RETRY)
        sent = checked = time.monotonic()
        while not (gone.done() or self._ends()):
            await subscription.wait(_TICK_SECONDS)
            events, access_changed = subscription.take()
            now = time.monotonic()
            # Before anything is sent: what changed may be that this reader may not see it any more.
            if access_changed or now - checked >= RECHECK_SECONDS:
                checked = now
                if not await run_in_threadpool(self._still_may):
                    return
            if events:
                await _send(send, b"".join(event.text for event in events))
                sent = now
            elif now - sent >= HEARTBEAT_SECONDS:
                await _send(send, _HEARTBEAT)
                sent = now

    def _still_may(self) -> bool:
        try:
            self._recheck()
        except (AuthenticationError, ForbiddenError):
            return False
        except LimitError:
            return True  # a key that is in force and has used its requests up
        return True


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, body: bytes, *, more: bool = True) -> None:
    async with asyncio.timeout(_SEND_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": more})
