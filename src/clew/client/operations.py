"""What the generated operations are made of."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2

from clew.client.events import Event, events_of
from clew.client.transport import Outgoing, Transport

SILENCE_SECONDS = 60.0
"""A stream of events says something at least every half of this, if only that it lives."""


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is not JSON's to read, or too long to hold: its kind, and its bytes as they come."""

    content_type: str
    etag: str | None
    _response: httpx2.Response

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, decompressed. Once."""
        return self._response.iter_bytes()

    def read(self) -> bytes:
        """All of it."""
        return self._response.read()


class Calls:
    """Base of the generated operations."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def transport(self) -> Transport:
        """The connection, for what is no operation of its own."""
        return self._transport

    @contextlib.contextmanager
    def _stream(self, request: Outgoing) -> Iterator[Stream]:
        with self._transport.stream(request) as response:
            headers = response.headers
            yield Stream(headers.get("Content-Type", ""), headers.get("ETag"), response)

    @contextlib.contextmanager
    def _events(self, request: Outgoing) -> Iterator[Iterator[Event]]:
        with self._transport.stream(request, silence=SILENCE_SECONDS) as response:
            yield events_of(response)
