"""All operations together.

Written by `make docs` from the API's description; edit that instead.
"""

from clew.client.generated.analyses import AnalysesOperations
from clew.client.generated.api_keys import ApiKeysOperations
from clew.client.generated.audit import AuditOperations
from clew.client.generated.campaigns import CampaignsOperations
from clew.client.generated.capabilities import CapabilitiesOperations
from clew.client.generated.collections import CollectionsOperations
from clew.client.generated.configuration import ConfigurationOperations
from clew.client.generated.documents import DocumentsOperations
from clew.client.generated.entities import EntitiesOperations
from clew.client.generated.events import EventsOperations
from clew.client.generated.graph import GraphOperations
from clew.client.generated.investigations import InvestigationsOperations
from clew.client.generated.invitations import InvitationsOperations
from clew.client.generated.jobs import JobsOperations
from clew.client.generated.links import LinksOperations
from clew.client.generated.organization import OrganizationOperations
from clew.client.generated.profile import ProfileOperations
from clew.client.generated.projections import ProjectionsOperations
from clew.client.generated.quarantine import QuarantineOperations
from clew.client.generated.relationships import RelationshipsOperations
from clew.client.generated.reports import ReportsOperations
from clew.client.generated.roles import RolesOperations
from clew.client.generated.search import SearchOperations
from clew.client.generated.security import SecurityOperations
from clew.client.generated.series import SeriesOperations
from clew.client.generated.sign_in import SignInOperations
from clew.client.generated.system import SystemOperations
from clew.client.generated.targets import TargetsOperations
from clew.client.generated.uploads import UploadsOperations
from clew.client.generated.users import UsersOperations


class Operations(
    AnalysesOperations,
    ApiKeysOperations,
    AuditOperations,
    CampaignsOperations,
    CapabilitiesOperations,
    CollectionsOperations,
    ConfigurationOperations,
    DocumentsOperations,
    EntitiesOperations,
    EventsOperations,
    GraphOperations,
    InvestigationsOperations,
    InvitationsOperations,
    JobsOperations,
    LinksOperations,
    OrganizationOperations,
    ProfileOperations,
    ProjectionsOperations,
    QuarantineOperations,
    RelationshipsOperations,
    ReportsOperations,
    RolesOperations,
    SearchOperations,
    SecurityOperations,
    SeriesOperations,
    SignInOperations,
    SystemOperations,
    TargetsOperations,
    UploadsOperations,
    UsersOperations,
):
    """Every operation of the API."""
