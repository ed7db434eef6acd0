"""The MongoDB that keeps documents."""

from collections.abc import Iterator

from clew.cli.diagnosis.finding import Finding, Status, checked
from clew.kernel.settings import Settings


def examine_documents(settings: Settings) -> Iterator[Finding]:
    """Which server it is, how long it takes to answer, whether the way there is encrypted."""
    if settings.documents_url is None:
        yield Finding("documents", "read where the record keeps them: no MongoDB is named")
        return
    from clew.projections.documents_place import documents_connection

    connection = documents_connection(settings)
    identity = connection.identity()
    latency = connection.latency_seconds()
    address = connection.address
    yield checked(
        "documents",
        f"{identity} at {address.place} answers in {latency * 1000:.0f} ms",
        Status.WARN,
        "documents cross the network unencrypted: serve MongoDB with TLS and add ?tls=true to CLEW_DOCUMENTS_URL",
        well=address.encrypted or address.is_local,
    )
