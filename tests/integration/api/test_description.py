"""Answers are as the API's description says, whatever is asked: requests are made up from it by Schemathesis.

Half of them keep to the description and half break it. Callers are of several kinds, and in half of the paths stand
real things: with made-up ids alone, most requests would end as "not found".
"""

from io import BytesIO
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from requests.adapters import HTTPAdapter
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from urllib3 import HTTPHeaderDict, HTTPResponse

from tests.support.api import Api, Way
from tests.support.asking import HOST, ask_exactly
from tests.support.callers import new_caller
from tests.support.makers import Workshop
from tests.support.operations import Operation, described_routes, operations_of
from tests.support.record import Tenant

pytestmark = pytest.mark.same_everywhere

ADDRESS: Final = f"http://{HOST}"
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MODES: Final = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)

EXAMPLES: Final = 10
FEW_EXAMPLES: Final = {"get_report": 4, "rebuild_projection": 2}
"""Operations that take long by nature, and how many requests each gets."""

DESCRIPTION: Final = described_routes()
OPERATIONS: Final = operations_of(DESCRIPTION)
# Parts of files are bytes like others.
schemathesis.serializer.alias("application/partial-upload", "application/octet-stream")
SCHEMA: Final = schemathesis.openapi.from_dict(DESCRIPTION)


class _ToApplication(HTTPAdapter):
    """Lets `requests` speak with the application in this process."""

    def __init__(self, api: Api) -> None:
        super().__init__()
        self._api = api

    def send(self, request: requests.PreparedRequest, *_arguments: Any, **_options: Any) -> requests.Response:
        headers = [(_bytes(name).lower(), _bytes(value)) for name, value in request.headers.items()]
        body = request.body or b""
        assert isinstance(body, str | bytes), "nothing here is streamed"
        answer = ask_exactly(
            self._api,
            str(request.method),
            request.path_url,
            [(b"host", HOST.encode()), *headers],
            body=body.encode() if isinstance(body, str) else body,
        )
        raw = HTTPResponse(
            BytesIO(answer.content),
            HTTPHeaderDict(answer.headers),
            answer.status,
            preload_content=False,
            decode_content=False,
        )
        return self.build_response(request, raw)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1", "replace")


def _callers(api: Api, tenant: Tenant) -> dict[str, dict[str, str]]:
    """Headers of those who ask: whoever may everything, by each way, somebody who may little, and nobody."""
    known: list[tuple[str, Way]] = [("admin", "key"), ("admin", "session"), ("readonly", "token")]
    return {f"{kind} {way}": new_caller(api, tenant, kind, way).headers for kind, way in known} | {"nobody": {}}


def _check(api: Api, operation: Operation, examples: int) -> None:
    tenant = api.organization()
    callers = _callers(api, tenant)
    workshop = Workshop(api, tenant)
    real = {name: workshop.thing(name) for name in operation.path_parameters}
    described_here = SCHEMA[operation.path][operation.method]
    with requests.Session() as session:
        session.mount(ADDRESS, _ToApplication(api))

        @settings(
            max_examples=examples,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(some.data())
        def asked(data: some.DataObject) -> None:
            caller = data.draw(some.sampled_from(sorted(callers)))
            mode = data.draw(some.sampled_from(MODES))
            named = real if data.draw(some.booleans()) and real else None
            case: Case[Any] = data.draw(described_here.as_strategy(mode, path_parameters=named))
            case.headers.update(callers[caller])
            response = case.call(ADDRESS, session)
            case.validate_response(response, checks=CHECKS)

        asked()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_answers_are_as_described(api: Api, operation: Operation) -> None:
    _check(api, operation, FEW_EXAMPLES.get(operation.name, EXAMPLES))


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_answers_are_as_described_to_many_more(api: Api, operation: Operation) -> None:
    _check(api, operation, 4 * FEW_EXAMPLES.get(operation.name, EXAMPLES))
