"""Reports of cases in the record of a server."""

import codecs
from collections.abc import Callable
from dataclasses import dataclass

from clew.cli.desk.remote.cases import case_id
from clew.cli.desk.remote.connection import connected
from clew.cli.options import Invocation


@dataclass(frozen=True, slots=True)
class RemoteReports:
    """See `ports.Reports`."""

    call: Invocation

    def write(self, case: str, kind: str, sink: Callable[[str], object]) -> None:
        """Give the report to the sink, piece by piece."""
        decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        with (
            connected(self.call) as client,
            client.get_report(case_id(client, case), format="json" if kind == "json" else "html") as report,
        ):
            for chunk in report.chunks():
                sink(decoder.decode(chunk))
            sink(decoder.decode(b"", final=True))
