"""Every subject of the API, one line each."""

from typing import Final

from fastapi import APIRouter

from clew.api.routes import (
    audit,
    configuration,
    invitations,
    keys,
    links,
    organization,
    profile,
    roles,
    security,
    sign_in,
    system,
    users,
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
    users.router,
    roles.router,
    keys.router,
    invitations.router,
    configuration.router,
    audit.router,
)
