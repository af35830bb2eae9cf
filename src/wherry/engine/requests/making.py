"""Making the containers of `create` and `run` from their flags.

A launcher's child does that; without a launcher the client does, while its child loads.
"""

from collections.abc import Callable, Mapping

from wherry.engine.containers.create import create_container
from wherry.engine.containers.options.config import config_from_options
from wherry.engine.containers.options.values import EngineRefusal
from wherry.engine.engine import Engine
from wherry.engine.images.resolve import parse_pull_policy
from wherry.engine.reconcile import reconcile
from wherry.engine.requests import payload as of
from wherry.errors import InvalidArgument, WherryError
from wherry.oci.container_config import ContainerConfig
from wherry.store.containers import Container
from wherry.values import replace

Notify = Callable[[str], None]
"""What is told a line for the client's user."""


class FlagsRefused(InvalidArgument):
    """What the client refuses, in Docker, whatever its words: it exits with 125."""

    status = 125

    def __init__(self, error: WherryError) -> None:
        super().__init__(error.message, hint=error.hint)


def make_for_create(
    engine: Engine, payload: Mapping[str, object], notify: Notify, understood: Callable[[], None]
) -> Container:
    """Make a container; `understood` is called once there is nothing wrong in the flags."""
    reconcile(engine)
    try:
        config = _config(payload)
    except EngineRefusal:
        understood()
        raise
    understood()
    return _make(engine, config, payload, notify)


def make_for_run(engine: Engine, payload: Mapping[str, object], notify: Notify) -> Container:
    """Make a container that will be started at once."""
    reconcile(engine)
    try:
        config = _config(payload)
    except EngineRefusal:
        raise
    except WherryError as error:
        raise FlagsRefused(error) from error
    size = payload.get("size")
    if isinstance(size, tuple):
        config = replace(config, console_size=size)
    of.keys_of(config, payload)  # before anything is made that wrong ones would leave behind
    return _make(engine, config, payload, notify)


def _config(payload: Mapping[str, object]) -> ContainerConfig:
    return config_from_options(
        str(payload["image"]),
        of.words(payload.get("command")),
        of.mapping(payload.get("options")),
        cwd=str(payload["cwd"]),
        environ=of.environment(payload.get("environ")),
    )


def _make(
    engine: Engine, config: ContainerConfig, payload: Mapping[str, object], notify: Notify
) -> Container:
    return create_container(
        engine,
        config,
        str(payload.get("name") or "") or None,
        pull=parse_pull_policy(str(payload.get("pull") or "")),
        notify=None if payload.get("quiet") else notify,
    )
