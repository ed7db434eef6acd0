"""Chooses who does what a command asks for: the record of this machine, or the server that the call names.

Nothing of either is loaded before it is chosen.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clew.cli.desk import analysis_ports, ports
    from clew.cli.options import Invocation


def entities_of(call: "Invocation") -> "ports.Entities":
    """What the record knows."""
    if call.address is None:
        from clew.cli.desk.local.entities import LocalEntities

        return LocalEntities(call)
    from clew.cli.desk.remote.entities import RemoteEntities

    return RemoteEntities(call)


def searching_of(call: "Invocation") -> "ports.Searching":
    """The search view."""
    if call.address is None:
        from clew.cli.desk.local.searching import LocalSearching

        return LocalSearching(call)
    from clew.cli.desk.remote.searching import RemoteSearching

    return RemoteSearching(call)


def similarity_of(call: "Invocation") -> "ports.Similarity":
    """The view of vectors."""
    if call.address is None:
        from clew.cli.desk.local.similar import LocalSimilarity

        return LocalSimilarity(call)
    from clew.cli.desk.remote.similar import RemoteSimilarity

    return RemoteSimilarity(call)


def documents_of(call: "Invocation") -> "ports.Documents":
    """Documents and their content."""
    if call.address is None:
        from clew.cli.desk.local.documents import LocalDocuments

        return LocalDocuments(call)
    from clew.cli.desk.remote.documents import RemoteDocuments

    return RemoteDocuments(call)


def cases_of(call: "Invocation") -> "ports.Cases":
    """Cases."""
    if call.address is None:
        from clew.cli.desk.local.cases import LocalCases

        return LocalCases(call)
    from clew.cli.desk.remote.cases import RemoteCases

    return RemoteCases(call)


def reports_of(call: "Invocation") -> "ports.Reports":
    """Reports of cases."""
    if call.address is None:
        from clew.cli.desk.local.reports import LocalReports

        return LocalReports(call)
    from clew.cli.desk.remote.reports import RemoteReports

    return RemoteReports(call)


def quarantine_of(call: "Invocation") -> "ports.Quarantine":
    """Rejected records."""
    if call.address is None:
        from clew.cli.desk.local.quarantine import LocalQuarantine

        return LocalQuarantine(call)
    from clew.cli.desk.remote.quarantine import RemoteQuarantine

    return RemoteQuarantine(call)


def projections_of(call: "Invocation") -> "ports.Projections":
    """The views."""
    if call.address is None:
        from clew.cli.desk.local.projections import LocalProjections

        return LocalProjections(call)
    from clew.cli.desk.remote.projections import RemoteProjections

    return RemoteProjections(call)


def users_of(call: "Invocation") -> "ports.Users":
    """The people of the organization."""
    if call.address is None:
        from clew.cli.desk.local.users import LocalUsers

        return LocalUsers(call)
    from clew.cli.desk.remote.users import RemoteUsers

    return RemoteUsers(call)


def roles_of(call: "Invocation") -> "ports.Roles":
    """Roles."""
    if call.address is None:
        from clew.cli.desk.local.access import LocalRoles

        return LocalRoles(call)
    from clew.cli.desk.remote.access import RemoteRoles

    return RemoteRoles(call)


def keys_of(call: "Invocation") -> "ports.Keys":
    """API keys."""
    if call.address is None:
        from clew.cli.desk.local.access import LocalKeys

        return LocalKeys(call)
    from clew.cli.desk.remote.access import RemoteKeys

    return RemoteKeys(call)


def organizations_of(call: "Invocation") -> "ports.Organizations":
    """The organization."""
    if call.address is None:
        from clew.cli.desk.local.organizations import LocalOrganizations

        return LocalOrganizations(call)
    from clew.cli.desk.remote.organizations import RemoteOrganizations

    return RemoteOrganizations(call)


def audit_of(call: "Invocation") -> "ports.Audit":
    """The audit trail."""
    if call.address is None:
        from clew.cli.desk.local.audit import LocalAudit

        return LocalAudit(call)
    from clew.cli.desk.remote.audit import RemoteAudit

    return RemoteAudit(call)


def loader_of(call: "Invocation") -> "ports.Loader":
    """What loads files."""
    if call.address is None:
        from clew.cli.desk.local.loading import LocalLoader

        return LocalLoader(call)
    from clew.cli.desk.remote.loading import RemoteLoader

    return RemoteLoader(call)


def schedules_of(call: "Invocation") -> "ports.Schedules":
    """What is done again and again."""
    if call.address is None:
        from clew.cli.desk.local.schedules import LocalSchedules

        return LocalSchedules(call)
    from clew.cli.desk.remote.schedules import RemoteSchedules

    return RemoteSchedules(call)


def series_of(call: "Invocation") -> "ports.MeasuredSeries":
    """Measured values over time."""
    if call.address is None:
        from clew.cli.desk.local.series import LocalSeries

        return LocalSeries(call)
    from clew.cli.desk.remote.series import RemoteSeries

    return RemoteSeries(call)


def jobs_of(call: "Invocation") -> "ports.Jobs":
    """Jobs."""
    if call.address is None:
        from clew.cli.desk.local.jobs import LocalJobs

        return LocalJobs(call)
    from clew.cli.desk.remote.jobs import RemoteJobs

    return RemoteJobs(call)


def campaigns_of(call: "Invocation") -> "analysis_ports.Campaigns":
    """Analyses and campaigns."""
    if call.address is None:
        from clew.cli.desk.local.campaigns import LocalCampaigns

        return LocalCampaigns(call)
    from clew.cli.desk.remote.campaigns import RemoteCampaigns

    return RemoteCampaigns(call)


def analyses_of(call: "Invocation") -> "analysis_ports.Analyses":
    """Analyses that a server or worker does."""
    if call.address is None:
        from clew.cli.desk.local.analyses import LocalAnalyses

        return LocalAnalyses(call)
    from clew.cli.desk.remote.analyses import RemoteAnalyses

    return RemoteAnalyses(call)


def graph_of(call: "Invocation") -> "ports.Graph":
    """The graph view."""
    if call.address is None:
        from clew.cli.desk.local.graph import LocalGraph

        return LocalGraph(call)
    from clew.cli.desk.remote.graph import RemoteGraph

    return RemoteGraph(call)
