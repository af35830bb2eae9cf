"""All routes."""

from wherry.api.routes import (
    archive,
    attach,
    builds,
    containers,
    execs,
    images,
    networks,
    output,
    registry,
    system,
    volumes,
    wait,
)

ROUTES = (
    *system.ROUTES,
    *containers.ROUTES,
    *attach.ROUTES,
    *wait.ROUTES,
    *output.ROUTES,
    *archive.ROUTES,
    *execs.ROUTES,
    *images.ROUTES,
    *registry.ROUTES,
    *volumes.ROUTES,
    *networks.ROUTES,
    *builds.ROUTES,
)
