"""Every subject of the API, one line each."""

from typing import Final

from fastapi import APIRouter

from clew.api.routes import events, jobs, organization, system, uploads

ROUTERS: Final[tuple[APIRouter, ...]] = (
    events.router,
    jobs.router,
    organization.router,
    system.router,
    uploads.router,
)
