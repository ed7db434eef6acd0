"""A typed client of Clew's API, generated from its description."""

from clew.client.client import Client
from clew.client.errors import Problem, ServerUnreachableError, UnknownAnswerError, problem_of
from clew.client.events import Event
from clew.client.generated import models
from clew.client.transport import Patience, Transport

__all__ = [
    "Client",
    "Event",
    "Patience",
    "Problem",
    "ServerUnreachableError",
    "Transport",
    "UnknownAnswerError",
    "models",
    "problem_of",
]
