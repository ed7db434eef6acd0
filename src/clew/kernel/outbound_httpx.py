"""The way of `clew.kernel.outbound` for httpx2."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpcore2
import httpx2

from clew.kernel.outbound import Outbound, OutboundFailedError, bounded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from httpcore2 import SOCKET_OPTION


def checked_transport(outbound: Outbound) -> httpx2.BaseTransport:
    """Connects to checked addresses only, however the request came about."""
    return _Transport(outbound)


class _Backend(httpcore2.SyncBackend):
    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: "Iterable[SOCKET_OPTION] | None" = None,
    ) -> httpcore2.NetworkStream:
        failure: Exception | None = None
        for address in self._outbound.addresses(host, port):
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = failure or error
        raise failure or OutboundFailedError("this host has no address", where=f"{host}:{port}")

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: "Iterable[SOCKET_OPTION] | None" = None,
    ) -> httpcore2.NetworkStream:
        raise OutboundFailedError("sockets of this machine are no peers", where=path)


class _Transport(httpx2.HTTPTransport):
    def __init__(self, outbound: Outbound) -> None:
        context = outbound.ssl_context()
        super().__init__(verify=context, trust_env=False)
        self._outbound = outbound
        self._pool = httpcore2.ConnectionPool(ssl_context=context, network_backend=_Backend(outbound))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        where = f"{request.url.scheme}://{request.url.netloc.decode('ascii', 'replace')}"
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            response.close()
            raise OutboundFailedError("answers in a packed form that was not asked for", where=where)
        stream = response.stream
        assert isinstance(stream, httpx2.SyncByteStream)  # noqa: S101  what HTTPTransport answers with
        response.stream = _Bounded(stream, self._outbound, where)
        return response


class _Bounded(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, outbound: Outbound, where: str) -> None:
        self._stream = stream
        self._pieces = bounded(stream, outbound, where)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        self._stream.close()
