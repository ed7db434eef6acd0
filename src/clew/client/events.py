"""Server-sent events: what happens on the server, told while it happens."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from httpx2 import EventSource, ServerSentEvent

if TYPE_CHECKING:
    from httpx2 import Response

Event = ServerSentEvent
"""One event: `event` is its name, `data` its text (`json()` reads it), `id` the place to go on from."""


def events_of(response: "Response") -> Iterator[Event]:
    """The events of an answer, as they come. Raises httpx2.HTTPError, which the transport makes an error of ours."""
    yield from EventSource(response)
