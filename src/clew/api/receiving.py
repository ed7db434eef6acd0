"""Bytes of an upload from a request onto the disk: as a stream, never whole in memory, one request at a time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from clew.api.errors import SlowRequestError
from clew.domains.uploads.reception import Digests, Reception, Settle
from clew.domains.uploads.service import Upload
from clew.domains.uploads.staging import UploadBusyError

PIECE_BYTES: Final = 1 << 20
LEAST_BYTES: Final = 16 << 10
_YIELD_SECONDS: Final = 10.0


class _Active:
    """One request that adds to an upload, which another request may end."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.yielding = False
        self.waiting: asyncio.Timeout | None = None

    def make_way(self) -> None:
        self.yielding = True
        if self.waiting is not None:
            with contextlib.suppress(RuntimeError):  # it is ending by itself
                self.waiting.reschedule(asyncio.get_running_loop().time())


class Receptions:
    """The uploads that this process receives just now."""

    def __init__(self) -> None:
        self.digests = Digests()
        self._active: dict[UUID, _Active] = {}

    async def make_way(self, upload_id: UUID) -> None:
        """End the request that adds to this upload, if this process has one, having kept what it brought.

        A sender that asks where it stands, or goes on, has given its earlier request up, whether or not this end of
        the broken connection knows that by now.
        """
        active = self._active.get(upload_id)
        if active is not None:
            active.make_way()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_YIELD_SECONDS):
                    await active.over.wait()

    async def receive(
        self,
        request: Request,
        upload_id: UUID,
        reception: Reception,
        *,
        complete: bool,
        settle: Settle = lambda _connection, _upload: None,
    ) -> Upload:
        """Take the request's body in; the upload as it then stands. `settle`: see Reception.finish.

        Whatever goes wrong, what has arrived is kept. Raises what Reception raises, SlowRequestError, and
        UploadBusyError if another request went on with this upload.
        """
        active = _Active()
        await run_in_threadpool(reception.__enter__)
        self._active[upload_id] = active
        try:
            await self._take_in(request, reception, active)
            return await run_in_threadpool(lambda: reception.finish(complete=complete, settle=settle))
        finally:
            if self._active.get(upload_id) is active:
                del self._active[upload_id]
            # The bytes have to be safe, and the file free, also if this request is being broken off.
            await asyncio.shield(run_in_threadpool(reception.__exit__, None, None, None))
            active.over.set()

    async def _take_in(self, request: Request, reception: Reception, active: _Active) -> None:
        seconds = request.app.state.serving.settings.upload_slow_seconds
        loop = asyncio.get_running_loop()
        stream = request.stream()
        until, counted = loop.time() + seconds, 0
        piece = bytearray()
        try:
            while True:
                data = await self._next(stream, active, until)
                if data is None:
                    break
                counted += len(data)
                if counted >= LEAST_BYTES:
                    until, counted = loop.time() + seconds, 0
                piece += data
                if len(piece) >= PIECE_BYTES:
                    full, piece = piece, bytearray()
                    await run_in_threadpool(reception.add, full)
        finally:
            if piece:
                await asyncio.shield(run_in_threadpool(reception.add, piece))

    async def _next(self, stream: AsyncIterator[bytes], active: _Active, until: float) -> bytes | None:
        try:
            async with asyncio.timeout_at(until) as active.waiting:
                if active.yielding:
                    raise TimeoutError  # noqa: TRY301  as if it had been waiting
                return await anext(stream, None)
        except TimeoutError:
            if active.yielding:
                raise UploadBusyError(
                    "another request goes on with this upload", where="upload", remedy="leave it to that one"
                ) from None
            raise SlowRequestError(
                "the upload came in too slowly", remedy="ask for the offset, and go on from there"
            ) from None
        finally:
            active.waiting = None
