"""A door before an engine that has none: TLS, a login, and faults of the way there, as they are asked for."""

import datetime as dt
import http.client
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.engines.node import Node


@dataclass
class Door:
    """What is let through. `statuses`: answers given in the place of the engine's, one for each request."""

    port: int = 0
    certificate: Path | None = None
    authorization: str | None = None
    statuses: deque[int] = field(default_factory=deque)
    delay_seconds: float = 0.0
    requests: int = 0


@contextmanager
def door(node: Node, directory: Path, *, authorization: str) -> Iterator[Door]:
    """A server on loopback that hands on to the node what comes with that authorization, over TLS."""
    certificate, key = certificate_for_loopback(directory)
    standing = Door(certificate=certificate, authorization=authorization)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(node, standing))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    standing.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield standing
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(node: Node, standing: Door) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            standing.requests += 1
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            time.sleep(standing.delay_seconds)
            if self.headers.get("authorization") != standing.authorization:
                self._tell(401, b'{"error": {"type": "security_exception", "reason": "unable to authenticate"}}')
            elif standing.statuses:
                self._tell(standing.statuses.popleft(), b'{"error": {"type": "busy", "reason": "as asked"}}')
            else:
                kind = {"content-type": self.headers["content-type"]} if body else {}
                with closing(http.client.HTTPConnection("127.0.0.1", node.port)) as inner:
                    inner.request(self.command, self.path, body or None, kind)
                    answer = inner.getresponse()
                    self._tell(answer.status, answer.read())

        do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815  named by the library

        def _tell(self, status: int, body: bytes) -> None:
            with suppress(OSError):  # who asked has gone
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tell nobody."""

    return Handler


def certificate_for_loopback(directory: Path) -> tuple[Path, Path]:
    """A certificate of its own for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = directory / "certificate.pem", directory / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, secret
