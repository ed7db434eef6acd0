"""Every subject of the API, one line each."""

from typing import Final

from fastapi import APIRouter

from clew.api.routes import (
    capabilities,
    collections,
    entities,
    happenings,
    investigations,
    links,
    organization,
    profile,
    projections,
    quarantine,
    relationships,
    reports,
    search,
    security,
    sign_in,
    system,
    targets,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    system.router,
    system.description,
    sign_in.router,
    sign_in.well_known,
    profile.router,
    security.router,
    links.router,
    organization.router,
    entities.router,
    relationships.router,
    happenings.router,
    search.router,
    investigations.router,
    targets.router,
    reports.router,
    collections.router,
    quarantine.router,
    projections.router,
    capabilities.router,
)
