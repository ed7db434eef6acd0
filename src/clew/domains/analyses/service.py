"""What the rest of the program asks of analyses as a service.

Nothing here loads LangGraph: who carries analyses out takes `workflow` itself.
"""

from clew.domains.analyses.asking import adopt, cancel, start
from clew.domains.analyses.reading import STATES, AnalysisSession, Callback, find_session, page_of_sessions
from clew.domains.analyses.request import NewAnalysisSession
from clew.domains.analyses.settling import settle
from clew.domains.analyses.steps import Step
from clew.domains.analyses.webhook_secrets import (
    WebhookSecret,
    read_secret,
    remove_secrets,
    renew_secret,
    sealer_of,
)

__all__ = [
    "STATES", "AnalysisSession", "Callback", "NewAnalysisSession", "Step", "WebhookSecret", "adopt", "cancel",
    "find_session", "page_of_sessions", "read_secret", "remove_secrets", "renew_secret", "sealer_of", "settle",
    "start",
]  # fmt: skip
