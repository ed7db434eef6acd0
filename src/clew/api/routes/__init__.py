"""Every subject of the API, one line each."""

from typing import Final

from fastapi import APIRouter

from clew.api.routes import events, jobs, links, organization, profile, security, sign_in, system, uploads

ROUTERS: Final[tuple[APIRouter, ...]] = (
    system.router,
    system.description,
    sign_in.router,
    sign_in.well_known,
    profile.router,
    security.router,
    links.router,
    organization.router,
    uploads.router,
    jobs.router,
    events.router,
)
