"""The baseline of `serving`: `python -m bench.bare_api PLACE` serves two routes of FastAPI and nothing else.

`/bare` answers what is in memory; `/select/{id}` answers one SELECT through a pool, as the login that may read
everything: no caller, no limits, no audit, no row-level security. Prints its address once it answers.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine, text
from starlette.responses import Response

from bench.places import record_at

_ENTITY: Final = text(
    "SELECT id::text, entity_type, name, normalized_name, properties, tags, flags, risk_score, confidence::float8,"
    " first_seen::text, last_seen::text, created_at::text, updated_at::text FROM entities WHERE id = :id"
    " AND organization_id = '00000000-0000-0000-0000-000000000001'"
)
_ANSWER: Final = {f"field_{number}": f"value {number}" for number in range(16)}


def application(engine: Engine) -> FastAPI:
    """The two routes."""
    app = FastAPI(openapi_url=None)

    @app.get("/bare")
    def bare() -> Response:
        return Response(json.dumps(_ANSWER), media_type="application/json")

    @app.get("/select/{identifier}")
    def select(identifier: UUID) -> Response:
        with engine.connect() as connection:
            row: Any = connection.execute(_ENTITY, {"id": identifier}).one()
        return Response(json.dumps(row._asdict()), media_type="application/json")

    return app


class _Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"http://127.0.0.1:{port}", flush=True)


def main(arguments: list[str]) -> None:
    """Serve until a signal."""
    with record_at(Path(arguments[0])) as database:
        app = application(database.admin_engine())
        configuration = uvicorn.Config(app, port=0, loop="uvloop", http="httptools", log_config=None, access_log=False)
        _Server(configuration).run()


if __name__ == "__main__":
    main(sys.argv[1:])
