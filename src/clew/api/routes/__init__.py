"""Every subject of the API, one line each."""

from typing import Final

from fastapi import APIRouter

from clew.api.routes import organization, system

ROUTERS: Final[tuple[APIRouter, ...]] = (
    organization.router,
    system.router,
)
