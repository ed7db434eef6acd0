"""Clew asks nobody anything over the network by itself: what could is named here, with where it may go.

So no value of a request, a file or a setting of an organization can send the server to an address (SSRF): the hosts
that it speaks to are the operator's settings, read when it starts, or go through `clew.kernel.outbound`, which checks.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.repository import python_files, relative

SPEAKING = frozenset(
    {
        "aiohttp", "asyncssh", "boto3", "ftplib", "http.client", "httpx", "httpx2", "imaplib", "ldap3", "nntplib",
        "paramiko", "poplib", "pycurl", "requests", "smtplib", "telnetlib", "urllib.request", "urllib3", "websockets",
        "xmlrpc.client",
    }
)  # fmt: skip
CONNECTING = frozenset({"create_connection", "open_connection", "getaddrinfo", "gethostbyname", "urlopen"})
ALLOWED = {
    "src/clew/client/answers.py": "reads what the transport was answered",
    "src/clew/client/events.py": "reads the stream that the transport opened",
    "src/clew/client/operations.py": "names the transport's answers",
    "src/clew/client/transport.py": "speaks to the Clew server that --server names",
    "src/clew/domains/analyses/callbacks.py": "speaks, by kernel.outbound, to the address that an analysis named",
    "src/clew/domains/analyses/language_model.py": "speaks, by kernel.outbound, to the model that assessment_url names",
    "src/clew/domains/campaigns/computing.py": "knocks at the Ray cluster that ray_address names",
    "src/clew/projections/series/influx/connection.py": "speaks to the InfluxDB that influxdb_url names",
    "src/clew/domains/identity/delivery.py": "speaks to the mail server that smtp_host names",
    "src/clew/domains/exchange/misp_client.py": "speaks to peers through kernel.outbound_requests",
    "src/clew/domains/exchange/misp_feed.py": "speaks to feeds by kernel.outbound",
    "src/clew/domains/exchange/taxii_client.py": "speaks to peers through kernel.outbound_requests",
    "src/clew/kernel/outbound.py": "checks every address that a user named before anything connects to it",
    "src/clew/kernel/outbound_httpx.py": "connects to what kernel.outbound has checked",
    "src/clew/kernel/outbound_requests.py": "connects to what kernel.outbound has checked",
    "src/clew/projections/vectors/embedding/endpoint.py": "speaks to the models that embedding_url names",
    "src/clew/mcp/gateway.py": "puts what the application within this process answered in the form of an answer",
}


def _speaking(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call):
            called = node.func
            named = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if named in CONNECTING:
                yield named
        yield from (name for name in names if name in SPEAKING or name.partition(".")[0] in SPEAKING)


def test_only_what_is_named_here_can_speak_to_others() -> None:
    found = {relative(path): sorted(set(_speaking(path))) for path in python_files("src/clew")}
    speaking = {name: by for name, by in found.items() if by}
    assert speaking.keys() == ALLOWED.keys(), f"say in ALLOWED where these may go: {speaking}"
