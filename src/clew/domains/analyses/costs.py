"""What asking a language model cost, each time, in the record of how services are used (audit.api_key_usage)."""

from typing import Final
from uuid import UUID

import orjson
import sqlalchemy as sa

from clew.domains.analyses.language_model import Answer
from clew.kernel.database import Database
from clew.kernel.stored_text import storable
from clew.kernel.transactions import TenantContext

_NOTE: Final = sa.text("""
INSERT INTO audit.api_key_usage (organization_id, service_name, operation, user_id, request_timestamp,
    response_time_ms, success, rate_limited, request_size, response_size, cost_usd, error_type, error_message,
    request_metadata)
VALUES (:organization, :service, 'summary', :user, now(), :milliseconds, :success, :limited, :request_bytes,
        :response_bytes, :cost, :error_type, :error, CAST(:metadata AS jsonb))
""")


def note_cost(database: Database, organization_id: UUID, user_id: UUID | None, answer: Answer) -> None:
    """Record one question and what came of it, in a transaction of its own: it was paid whatever comes after."""
    metadata = {
        "model": answer.model, "prompt_hash": answer.prompt_hash, "tries": answer.tries,
        "input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens,
    }  # fmt: skip
    row = {
        "organization": organization_id,
        "service": answer.service,
        "user": user_id,
        "milliseconds": round(answer.milliseconds, 3),
        "success": answer.summary is not None,
        "limited": answer.is_limited,
        "request_bytes": answer.request_bytes,
        "response_bytes": answer.response_bytes,
        "cost": answer.cost_usd,
        "error_type": answer.error_type,
        "error": None if answer.error is None else storable(answer.error, 1000),
        "metadata": orjson.dumps(metadata).decode(),
    }
    with database.transaction(TenantContext(organization_id, user_id)) as connection:
        connection.execute(_NOTE, row)
