"""All routes, by the first word of their paths.

The modules of a word are loaded by the first request that has it: a service at which nobody builds
holds no builder, and one that pulls nothing no client of registries.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.api.routing import Route

_SYSTEM = (
    *("_ping", "version", "info", "events", "system", "plugins"),
    *("swarm", "nodes", "services", "tasks", "secrets", "configs"),
)
MODULES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_SYSTEM, ("system",)),
    "containers": ("containers", "attach", "wait", "output", "archive", "execs"),
    "exec": ("execs",),
    "images": ("images", "registry"),
    "auth": ("registry",),
    "distribution": ("registry",),
    "volumes": ("volumes",),
    "networks": ("networks",),
    "commit": ("builds",),
    "build": ("builds",),
    "grpc": ("buildkit",),
    "session": ("buildkit",),
}


def routes_of(word: str) -> list["Route"]:
    """The routes whose paths begin with `/word`."""
    modules = (import_module(f"wherry.api.routes.{name}") for name in MODULES.get(word, ()))
    return [
        route
        for module in modules
        for route in module.ROUTES
        if route.pattern.split("/")[1] == word
    ]


def all_routes() -> list["Route"]:
    return [route for word in MODULES for route in routes_of(word)]
