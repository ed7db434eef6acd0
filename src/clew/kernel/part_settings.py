"""The settings that parts of the product bring with them, one module each."""

from clew.kernel.analysis_settings import AnalysisSettings
from clew.kernel.compute_settings import ComputeSettings
from clew.kernel.documents_settings import DocumentsSettings
from clew.kernel.exchange_settings import ExchangeSettings
from clew.kernel.graph_settings import GraphSettings
from clew.kernel.identity_settings import IdentitySettings
from clew.kernel.outbound_settings import OutboundSettings
from clew.kernel.series_settings import SeriesSettings
from clew.kernel.shared_settings import SharedSettings
from clew.kernel.vector_settings import VectorSettings


class PartSettings(
    SharedSettings,
    OutboundSettings,
    ComputeSettings,
    AnalysisSettings,
    GraphSettings,
    SeriesSettings,
    VectorSettings,
    DocumentsSettings,
    ExchangeSettings,
    IdentitySettings,
):
    """All of them: what `clew.kernel.settings.Settings` adds its own to."""
