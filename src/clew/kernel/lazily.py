"""Modules that are loaded when something of them is first asked for.

A server has a route for all that Clew can do, and most of them are asked for never, or hours later. What they need
beside the database (data frames, arrays, graphs) would be a quarter of a resting server's memory.

    if TYPE_CHECKING:
        from clew.domains.campaigns import service
    else:
        service = lazily("clew.domains.campaigns.service")
"""

import importlib
from types import ModuleType
from typing import Any


class _Lazy(ModuleType):
    """Stands for a module. Which of several threads asks first does not matter: importing has its own locks."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


def lazily(name: str) -> ModuleType:
    """What stands for the module of that name. Asking it for anything raises what importing the module raises."""
    return _Lazy(name)
