"""The way of `clew.kernel.outbound` for libraries that speak by `requests` (PyMISP, taxii2-client)."""

import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import PoolManager

from clew.kernel.outbound import MOST_REDIRECTIONS, Outbound, OutboundFailedError, bounded

if TYPE_CHECKING:
    from collections.abc import Mapping


def guard(session: requests.Session, outbound: Outbound) -> requests.Session:
    """Let a session connect to checked addresses only, through no proxy; returns it.

    Certificates are checked, whatever a request says. `requests` itself drops a login when a redirection leaves the
    host. Raises ConfigurationError if the file of certificates cannot be read.
    """
    session.trust_env = False
    session.proxies.clear()
    session.max_redirects = MOST_REDIRECTIONS
    adapter = _Adapter(outbound)
    session.adapters.clear()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class _Adapter(HTTPAdapter):
    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._context = outbound.ssl_context()
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:  # noqa: FBT001, FBT002  the library's signature
        self.poolmanager = PoolManager(
            num_pools=connections, maxsize=maxsize, block=block, ssl_context=self._context, **options
        )
        self.poolmanager.pool_classes_by_scheme = _pools(self._outbound)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002
        timeout: Any = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002
        cert: Any = None,
        proxies: "Mapping[str, str] | None" = None,
    ) -> requests.Response:
        patience = (self._outbound.connect_seconds, self._outbound.answer_seconds)
        return super().send(request, stream, timeout or patience, verify=True, cert=cert, proxies=None)

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Any) -> None:  # noqa: FBT001
        if url.lower().startswith("https"):
            conn.cert_reqs = "CERT_REQUIRED"
            conn.ca_certs = conn.ca_cert_dir = None  # the context has them, from the settings

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        response = super().build_response(req, resp)
        response.raw = _Bounded(resp, self._outbound, str(req.url).partition("?")[0])
        return response


class _Bounded:
    """The answer as urllib3 reads it, unpacked, up to the limits."""

    def __init__(self, response: Any, outbound: Outbound, where: str) -> None:
        self._response = response
        self._outbound = outbound
        self._where = where

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    def stream(self, amount: int, decode_content: bool | None = None) -> Iterator[bytes]:  # noqa: FBT001
        yield from bounded(self._response.stream(amount, decode_content=decode_content), self._outbound, self._where)


def _pools(outbound: Outbound) -> dict[str, Any]:
    class Connection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(outbound, self, super()._new_conn)

    class SecureConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(outbound, self, super()._new_conn)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": Pool, "https": SecurePool}


def _connected(outbound: Outbound, connection: HTTPConnection, connect: Callable[[], socket.socket]) -> socket.socket:
    host = connection._dns_host  # noqa: SLF001  what urllib3 connects to; the name it checks certificates for is another
    failure: Exception | None = None
    try:
        for address in outbound.addresses(host, int(connection.port)):
            connection._dns_host = address  # noqa: SLF001
            try:
                return connect()
            except HTTPError as error:
                failure = failure or error
    finally:
        connection._dns_host = host  # noqa: SLF001
    raise failure or OutboundFailedError("this host has no address", where=host)
