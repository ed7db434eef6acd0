"""The application: every route, and what holds for all of them."""

from typing import Final

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from clew import __version__
from clew.api.credentials import KEY_HEADER
from clew.api.edge import Edge
from clew.api.openapi import describe
from clew.api.problems import install_handlers
from clew.api.routes import ROUTERS
from clew.api.routing import Route, RuleError
from clew.api.serving import Serving
from clew.kernel.settings import Settings

_LEAST_TO_COMPRESS: Final = 1024
_COMPRESSION: Final = 5
_OWN_HEADERS: Final = ("X-Request-ID", "Idempotency-Key")


def create_application(serving: Serving) -> FastAPI:
    """The API, ready to be served. Raises RuleError if a route does not say who may call it."""
    application = _assembled(
        [
            Middleware(Edge, serving=serving),
            *_cross_origin(serving.settings),
            Middleware(GZipMiddleware, minimum_size=_LEAST_TO_COMPRESS, compresslevel=_COMPRESSION),
        ]
    )
    application.state.serving = serving
    return application


def described_application() -> FastAPI:
    """The same routes, only to be described: it answers nothing."""
    return _assembled([])


def _assembled(middleware: list[Middleware]) -> FastAPI:
    application = FastAPI(
        title="Clew",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        middleware=middleware,
    )
    install_handlers(application)
    for router in ROUTERS:
        # Not included but taken over: the path of a route is then the whole path, and finding it takes half the time.
        application.router.routes.extend(router.routes)
    routes_of(application)
    application.openapi = lambda: describe(application, routes_of(application))  # type: ignore[method-assign]
    return application


def _cross_origin(settings: Settings) -> list[Middleware]:
    """Nothing, unless the settings name origins; their pages send keys and tokens, never the cookie."""
    origins = [each.strip() for each in settings.api_cors_origins.split(",") if each.strip()]
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", KEY_HEADER, "Content-Type", "If-Match", "If-None-Match", *_OWN_HEADERS],
            expose_headers=["ETag", "Location", "Retry-After", "RateLimit", "RateLimit-Policy", *_OWN_HEADERS],
            max_age=600,
        )
    ]


def routes_of(application: FastAPI) -> list[Route]:
    """Every route of the API. Raises RuleError for one that is none of ours and so has no rule."""
    found = []
    for route in application.router.routes:
        if not isinstance(route, Route):
            raise RuleError(f"{route} is not made by clew.api.routing.router")
        found.append(route)
    return found
