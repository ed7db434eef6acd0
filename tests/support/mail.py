"""A mail server on loopback that speaks just enough SMTP, with TLS as real ones do."""

import base64
import contextlib
import ipaddress
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Mailbox:
    """What the server got, and where it is."""

    port: int
    certificate: Path
    login: tuple[str, str] | None = None
    messages: list[EmailMessage] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)


@contextlib.contextmanager
def mail_server(folder: Path, *, starttls: bool = True) -> Iterator[Mailbox]:
    """A server that takes everything it is sent. Its certificate names 127.0.0.1 and vouches for itself."""
    chain, key = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = True

    with Server(("127.0.0.1", 0), _Conversation) as server:
        mailbox = Mailbox(server.server_address[1], chain)
        vars(server).update(mailbox=mailbox, context=context, starttls=starttls)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield mailbox
        finally:
            server.shutdown()
            thread.join()


class _Conversation(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.mailbox: Mailbox = vars(self.server)["mailbox"]
        self.context: ssl.SSLContext = vars(self.server)["context"]
        self.starttls: bool = vars(self.server)["starttls"]
        with contextlib.suppress(OSError):  # the client may not like the certificate
            if not self.starttls:
                self.request = self.context.wrap_socket(self.request, server_side=True)
            self._talk()
            self.request.close()

    def _talk(self) -> None:
        self.lines = self.request.makefile("rb")
        self._say("220 test")
        for line in iter(self.lines.readline, b""):
            command = line.decode().strip()
            if command.upper() == "QUIT":
                self._say("221 bye")
                return
            if command.upper() == "STARTTLS":
                self._say("220 go on")
                self.request = self.context.wrap_socket(self.request, server_side=True)
                self.lines = self.request.makefile("rb")
                self._rest()
                return
            self._answer(command)

    def _rest(self) -> None:
        for line in iter(self.lines.readline, b""):
            if line.strip().upper() == b"QUIT":
                self._say("221 bye")
                return
            self._answer(line.decode().strip())

    def _answer(self, command: str) -> None:
        word = command.partition(" ")[0].upper()
        if word == "EHLO":
            encrypted = isinstance(self.request, ssl.SSLSocket)
            self._say("250-test", "250-8BITMIME", "250 AUTH PLAIN" if encrypted else "250 STARTTLS")
        elif word == "AUTH":
            _, user, password = base64.b64decode(command.split(" ")[2]).decode().split("\0")
            self.mailbox.logins.append((user, password))
            self._say("235 in" if self.mailbox.login in (None, (user, password)) else "535 no")
        elif word == "DATA":
            self._say("354 go on")
            content = b"".join(iter(self.lines.readline, b".\r\n"))
            self.mailbox.messages.append(message_from_bytes(content, policy=policy.default))
            self._say("250 taken")
        else:
            self._say("250 fine")

    def _say(self, *lines: str) -> None:
        self.request.sendall("".join(f"{line}\r\n" for line in lines).encode())


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private
