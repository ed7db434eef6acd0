"""Analyses and campaigns of a server."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, Final, cast
from uuid import UUID

import msgspec

from clew.cli.desk.analysis_ports import Analysing, Decision
from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.options import Invocation
from clew.cli.output import json_text
from clew.cli.progress import stepped
from clew.client import Client, models
from clew.client.jobs import OVER, finished
from clew.domains.campaigns.export import require_format
from clew.domains.campaigns.reading import Campaign, CampaignDetails
from clew.domains.exchange.exporting import joined
from clew.kernel.errors import ClewError, NotFoundError

_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class RemoteCampaigns:
    """See `analysis_ports.Campaigns`."""

    call: Invocation

    def analyze(self, asked: Analysing, stop: Event) -> dict[str, Any]:
        """Have it analysed, and wait for it."""
        wanted = models.NewAnalysis(
            depth=cast("Any", asked.depth),
            since=asked.since,
            until=asked.until,
            sensors=None if asked.sensors is None else list(asked.sensors),
        )
        with connected(self.call) as client, stepped() as observe:

            def worked(job: models.Job) -> None:
                observe(job.step or "waiting", job.records_done / (job.records_total or 100))

            started = client.start_analysis(wanted)
            if started.job_id is None:
                raise ClewError("the server started no job", where=f"analysis {started.id}")
            job = finished(client, started.job_id, observe=worked, stopped=stop.is_set)
            if stop.is_set() and job.status not in OVER:
                client.cancel_analysis(started.id)
                job = finished(client, started.job_id)
        if job.status == "completed" and job.result is not None:
            return dict(job.result)
        if job.status == "cancelled":
            return {"analysis_id": str(started.id), "status": "cancelled", "campaigns": []}
        error = job.error
        raise ClewError(error.message if error else "the analysis failed", where=f"analysis {started.id}")

    def all(self, *, status: str | None, everything: bool) -> Sequence[Campaign]:
        """Campaigns, the one seen last first."""
        with connected(self.call) as client:
            found = client.iterate_campaigns(limit=_AT_ONCE, status=cast("Any", status), all=everything)
            shown = [shaped(each, Campaign) for each in found]
        return sorted(shown, key=_seen_last)

    def details(self, campaign: str) -> CampaignDetails:
        """One with all that it rests on."""
        with connected(self.call) as client:
            found = client.get_campaign(campaign_id(client, campaign))
        return shaped(found, CampaignDetails, campaign=shaped(found, Campaign))

    def explain(self, first: str, second: str) -> dict[str, Any]:
        """Why two addresses are thought to act together."""
        with connected(self.call) as client:
            return cast("dict[str, Any]", msgspec.to_builtins(client.explain_pair(first=first, second=second)))

    def decide(self, campaign: str, decision: Decision) -> Sequence[Campaign]:
        """Decide about one."""
        wanted = models.NewDecision(decision=cast("Any", decision.kind), parts=list(decision.parts), name=decision.name)
        with connected(self.call) as client:
            decided = client.decide_campaign(campaign_id(client, campaign), wanted)
        return [shaped(each, Campaign) for each in decided.items]

    def export(self, campaigns: Sequence[str], form: str, sink: Callable[[str], object]) -> None:
        """Give them to the sink, one after the other."""
        require_format(form)
        with connected(self.call) as client:
            named = [campaign_id(client, each) for each in campaigns]
            wanted = named or [each.id for each in self.all(status=None, everything=False)]
            texts = [_exported(client, each, form) for each in wanted]
        if form != "csv":
            sink(json_text(joined([json.loads(text) for text in texts], form)) + "\n")
            return
        for number, text in enumerate(texts):
            head, _, rows = text.partition("\r\n")
            sink(rows if number else f"{head}\r\n{rows}")


def campaign_id(client: Client, name_or_id: str) -> UUID:
    """The id of the campaign of that id or name. Raises NotFoundError."""
    wanted = name_or_id.strip()
    try:
        return client.get_campaign(UUID(wanted)).id
    except (ValueError, NotFoundError):
        pass  # a name may look like an id
    found = [each.id for each in client.iterate_campaigns(limit=_AT_ONCE, all=True) if each.name == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFoundError(f"several campaigns are called {wanted!r}", remedy="name one by its id")
    raise NotFoundError(f"no campaign {wanted!r}", remedy="`clew campaign list` lists them")


def _exported(client: Client, campaign: UUID, form: str) -> str:
    with client.export_campaign(campaign, format=cast("Any", form)) as export:
        return b"".join(export.chunks()).decode()


def _seen_last(campaign: Campaign) -> tuple[float, str]:
    return (-campaign.last_seen.timestamp() if campaign.last_seen else 0.0, str(campaign.id))
