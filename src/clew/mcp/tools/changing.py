"""Tools that change something: there only if whoever started the server allowed it, and for callers who may.

No tool loads a file: an assistant that was talked into it could load any file of the machine and then read it here.
"""

import asyncio
import hashlib
import os
import time
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from clew.api.models.analyses import AnalysedPart, AnalysisDetailsModel, AnalysisModel, Name, NewAnalysis
from clew.api.models.investigations import InvestigationModel, NewInvestigation, NewTarget, TargetModel
from clew.api.models.listing import Given
from clew.kernel.clock import system_clock
from clew.kernel.errors import ConfigurationError
from clew.mcp.asking import Asking
from clew.mcp.tool import Tool
from clew.mcp.tools.cases import CaseName

_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 2.0
_GROWTH: Final = 1.5
_AT_WORK: Final = frozenset({"queued", "processing"})


class RunAnalysis(AnalysedPart):
    """What is to be analysed, and how long to wait for it.

    Nobody else is told of it: who talked an assistant into naming an address for that would be sent the result.
    """

    campaign: Name | None = Field(None, description="Only sessions of the members of this campaign, by id or name.")
    priority: int = Field(5, ge=1, le=10, description="Of an organization's analyses those with more go first.")
    wait_seconds: int = Field(30, ge=0, le=120, description="How long to wait; later, get_analysis tells of it.")


class WriteReport(Given):
    """Which case's report, and in which form."""

    case: str = CaseName
    format: Literal["html", "json"] = Field("html", description="A page to read, or everything for programs.")


class NewTargetOfCase(NewTarget):
    """A value that a case is about. Its type is guessed from its form unless given."""

    case: str = CaseName


class WrittenReport(BaseModel):
    """A report that was written."""

    case_id: UUID
    format: str
    bytes: int
    sha256: str
    saved_to: str | None = Field(description="The file on the server's machine; null where it keeps none.")
    resource: str = Field(description="Where the same can be read as a resource.")


async def _run_analysis(asking: Asking, wanted: RunAnalysis) -> AnalysisDetailsModel:
    given = NewAnalysis.model_validate(wanted.model_dump(exclude_unset=True, exclude={"wait_seconds"}))
    started = await asking.post(AnalysisModel, "/analyses", given)
    give_up_at = time.monotonic() + wanted.wait_seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        found = await asking.get(AnalysisDetailsModel, "/analyses/{analysis_id}", analysis_id=started.id)
        left = give_up_at - time.monotonic()
        if found.status not in _AT_WORK or left <= 0:
            return found
        await asking.observe(found.progress or 0.0, found.current_step or found.status)
        await asyncio.sleep(min(pause, left))
        pause = min(pause * _GROWTH, _LONGEST_PAUSE_SECONDS)


async def _write_report(asking: Asking, wanted: WriteReport) -> WrittenReport:
    case = await asking.case_id(wanted.case)
    content = await asking.raw(
        "/investigations/{investigation_id}/report", {"format": wanted.format}, investigation_id=case
    )
    saved = None
    if asking.reports is not None:
        saved = await asyncio.to_thread(_save, asking.reports, case, wanted.format, content)
    return WrittenReport(
        case_id=case,
        format=wanted.format,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        saved_to=None if saved is None else str(saved),
        resource=f"clew://reports/{case}",
    )


def _save(directory: Path, case: UUID, form: str, content: bytes) -> Path:
    """A new file, for its owner only, whole or not there at all. Its name holds nothing that somebody could choose."""
    name = f"report-{case}-{system_clock():%Y%m%dT%H%M%S%f}.{form}"
    path, half = directory / name, directory / f".{name}.part"
    try:
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            half.rename(path)
        except BaseException:
            half.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigurationError(
            f"the report cannot be saved: {error.strerror or error}",
            where="--reports",
            remedy="name a directory that is there and can be written to",
        ) from None
    return path.resolve()


async def _open_case(asking: Asking, wanted: NewInvestigation) -> InvestigationModel:
    return await asking.post(InvestigationModel, "/investigations", wanted)


async def _add_target(asking: Asking, wanted: NewTargetOfCase) -> TargetModel:
    case = await asking.case_id(wanted.case)
    new = NewTarget.model_validate(wanted.model_dump(exclude_unset=True, exclude={"case"}))
    return await asking.post(TargetModel, "/investigations/{investigation_id}/targets", new, investigation_id=case)


TOOLS: Final = (
    Tool(
        "run_analysis",
        "Run an analysis",
        "Look for campaigns among attack sessions; the result says what was found. It is waited for; if it is not "
        "over then, get_analysis tells how it goes. Without limits it goes on from where the last one ended.",
        RunAnalysis,
        AnalysisDetailsModel,
        _run_analysis,
        ("analysis:read", "analysis:write"),
        changes=True,
        idempotent=False,
    ),
    Tool(
        "write_report",
        "Write the report of a case",
        "Write the whole report of a case, and save it where whoever started this server said. For its contents "
        "use read_report.",
        WriteReport,
        WrittenReport,
        _write_report,
        ("investigation:read", "report:read", "report:write"),
        changes=True,
        idempotent=False,
    ),
    Tool(
        "open_case",
        "Open a case",
        "A new case, owned by whoever you ask for. Do it only when the person you work for wants one.",
        NewInvestigation,
        InvestigationModel,
        _open_case,
        ("investigation:write",),
        changes=True,
        idempotent=False,
    ),
    Tool(
        "add_target",
        "Add a target to a case",
        "Make a value (an address, a domain, a name) part of what a case is about. One that was there is given back.",
        NewTargetOfCase,
        TargetModel,
        _add_target,
        ("investigation:read", "investigation:write"),
        changes=True,
    ),
)
