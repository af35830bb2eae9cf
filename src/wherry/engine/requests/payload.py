"""The payloads of requests, whose values are what marshal made of them."""

from collections.abc import Mapping
from pathlib import Path

from wherry.engine.engine import Engine
from wherry.oci.container_config import ContainerConfig
from wherry.shim.detach_keys import parse_detach_keys

# The engine of a child that has rehearsed.
prepared: list[Engine] = []


def engine_of(payload: Mapping[str, object]) -> Engine:
    """The engine of the folders that a request is about."""
    folders = (Path(str(payload["root"])), Path(str(payload["run"])))
    for engine in prepared:
        if (engine.store.root, engine.store.run) == folders and engine.store.database.is_in_place:
            return engine
    return Engine(*folders)


def keys_of(config: ContainerConfig, payload: Mapping[str, object]) -> bytes:
    """The keys that detach; only a terminal's input is searched for them."""
    keys = parse_detach_keys(str(payload.get("detach_keys") or ""))
    return keys if config.tty else b""


def words(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()


def mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def environment(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in mapping(value).items()}


def number(value: object) -> int:
    return value if isinstance(value, int) else 0
