"""The containers as `ps` and the API list them, with their filters."""

import re
import time
from contextlib import suppress
from posixpath import normpath
from typing import TYPE_CHECKING

from wherry.engine.containers.size import root_size, writable_size
from wherry.engine.documents.container_summary import summary_document
from wherry.engine.filters import Filters, check_keys, passes_label_filters, wanted_truth
from wherry.engine.reconcile import reconcile_container
from wherry.errors import InvalidArgument, NotFound
from wherry.store.containers import (
    Container,
    NoSuchContainer,
    Status,
    find_container,
    list_containers,
)
from wherry.store.images import NoSuchImage, find_image, layers_of
from wherry.store.networks import endpoints_of, find_network
from wherry.store.published_ports import published_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wherry.engine.engine import Engine

KEYS = frozenset((
    "ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation", "label",
    "label!", "name", "network", "publish", "since", "status", "volume",
))  # fmt: skip
_HEALTH = frozenset(("starting", "healthy", "unhealthy", "none"))


def list_summaries(
    engine: "Engine",
    *,
    all_states: bool = False,
    limit: int = 0,
    size: bool = False,
    filters: Filters | None = None,
) -> list[dict[str, object]]:
    """Docker's summaries, newest first: of those that run, or of all states.

    `limit` is the number of newest ones, whatever their state; a filter on `status` also looks
    at all.
    """
    found = select_containers(engine, all_states=all_states, limit=limit, filters=filters)
    now = time.time_ns()
    documents = []
    for container in found:
        document = summary_document(engine, container, now)
        if size:
            document["SizeRw"] = writable_size(engine, container)
            document["SizeRootFs"] = root_size(engine, container)
        documents.append(document)
    return documents


def select_containers(
    engine: "Engine",
    *,
    all_states: bool = False,
    limit: int = 0,
    filters: Filters | None = None,
) -> list[Container]:
    """The containers that are asked for, as they are now, newest first."""
    filters = filters or {}
    check_keys(filters, KEYS)
    _check_values(filters)
    everything = all_states or limit > 0 or "status" in filters
    passes = _Selection(engine, filters)
    found = []
    for row in list(list_containers(engine.store)):
        try:
            container = reconcile_container(engine, row)
        except NoSuchContainer:  # of --rm, and its supervisor was killed
            continue
        if (everything or container.status.has_shim) and passes(container):
            found.append(container)
            if len(found) == limit:
                break
    return found


def _check_values(filters: Filters) -> None:
    for text in filters.get("status", ()):
        if text not in {status.value for status in Status}:
            raise InvalidArgument(f"invalid filter 'status={text}'")
    for text in filters.get("health", ()):
        if text not in _HEALTH:
            raise InvalidArgument(f"unrecognised filter value for health: {text}")
    for text in filters.get("exited", ()):
        if not text.lstrip("-").isdecimal():
            raise InvalidArgument(f"invalid filter 'exited={text}'")


class _Selection:
    """The filters of one listing; what they name is looked up once."""

    def __init__(self, engine: "Engine", filters: Filters) -> None:
        self._engine = engine
        self._filters = filters
        self._names = [_pattern(text) for text in filters.get("name", ())]
        self._before = [find_container(engine.store, n).created for n in filters.get("before", ())]
        self._since = [find_container(engine.store, n).created for n in filters.get("since", ())]
        self._networks = set(_network_ids(engine, filters.get("network", ())))
        self._ancestors = self._tops_of(filters.get("ancestor", ()))

    def _tops_of(self, names: tuple[str, ...]) -> list[tuple[str, str]]:
        connection = self._engine.store.database.connection
        found = []
        for name in names:
            try:
                image = find_image(connection, name)
            except NoSuchImage:
                continue
            layers = list(layers_of(connection, image.id))
            found.append((str(image.id), str(layers[-1]) if layers else ""))
        return found

    def __call__(self, container: Container) -> bool:
        filters, state = self._filters, container.state
        return (
            _among(filters, "status", container.status.value)
            and _among(filters, "exited", str(state.exit_code), container.status is Status.EXITED)
            and _among(filters, "health", state.health.status if state.health else "none")
            and any_of(filters, "id", container.id.startswith)
            and (not self._names or any(map(self._is_named(container), self._names)))
            and passes_label_filters(container.config.labels, filters)
            and all(container.created < moment for moment in self._before)
            and all(container.created > moment for moment in self._since)
            and wanted_truth(filters, "is-task") is not True
            and ("ancestor" not in filters or self._descends(container))
            and any_of(filters, "volume", _mounted(container))
            and any_of(filters, "publish", self._published(container))
            and any_of(filters, "expose", _exposed(container))
            and ("network" not in filters or self._is_on_network(container))
        )

    @staticmethod
    def _is_named(container: Container) -> "Callable[[re.Pattern[str]], bool]":
        return lambda pattern: bool(
            pattern.search(container.name) or pattern.search(f"/{container.name}")
        )

    def _descends(self, container: Container) -> bool:
        store = self._engine.store
        for image_id, top in self._ancestors:
            if container.image_id == image_id:
                return True
            below = store.database.connection.execute(
                "WITH RECURSIVE chain (chain_id) AS (SELECT ?1 UNION ALL"
                " SELECT parent_chain_id FROM chain JOIN layers USING (chain_id)"
                " WHERE parent_chain_id IS NOT NULL)"
                " SELECT 1 FROM chain WHERE chain_id = ?2",
                (container.details.layer_chain, top),
            ).fetchone()
            if top and below is not None:
                return True
        return False

    def _published(self, container: Container) -> "Callable[[str], bool]":
        """By ports of the host, as in Docker."""
        ports = published_ports(self._engine.store, container.id)
        taken = {(port.host_port, port.protocol) for port in ports}
        return lambda text: bool(taken & _ports_in(text))

    def _is_on_network(self, container: Container) -> bool:
        endpoints = endpoints_of(self._engine.store, container.id)
        if endpoints:
            return any(endpoint.network_id in self._networks for endpoint in endpoints)
        # One that does not run is on the networks that it will join.
        config = container.config
        mode = "bridge" if config.network_mode == "default" else config.network_mode
        names = [each.network for each in config.networks] or [mode]
        return not self._networks.isdisjoint(_network_ids(self._engine, tuple(names)))


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error:  # as in Docker, it matches nothing
        return re.compile(r"(?!)")


def _network_ids(engine: "Engine", names: tuple[str, ...]) -> "Iterator[str]":
    for name in names:
        with suppress(NotFound):  # no container is on a network that is not there
            yield find_network(engine.store, name).id


def _among(filters: Filters, key: str, value: str, applies: bool = True) -> bool:
    return key not in filters or (applies and value in filters[key])


def any_of(filters: Filters, key: str, test: "Callable[[str], bool]") -> bool:
    return key not in filters or any(map(test, filters[key]))


def _mounted(container: Container) -> "Callable[[str], bool]":
    points = container.details.mounts
    known = {point.name for point in points} | {point.destination for point in points}
    known |= {point.source for point in points if point.type == "bind"}
    return lambda text: text in known or normpath(text) in known


def _exposed(container: Container) -> "Callable[[str], bool]":
    known = {_port_of(text) for text in container.config.exposed_ports}
    known |= {(b.container_port, b.protocol) for b in container.config.ports}
    return lambda text: bool(known & _ports_in(text))


def _port_of(text: str) -> tuple[int, str]:
    number, _, protocol = text.partition("/")
    return int(number), protocol or "tcp"


def _ports_in(text: str) -> set[tuple[int, str]]:
    """`80`, `80/udp`, `8000-8080/tcp`."""
    numbers, _, protocol = text.partition("/")
    first, _, last = numbers.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        raise InvalidArgument(f"invalid filter: invalid port: {text}")
    return {(number, protocol or "tcp") for number in range(int(first), int(last or first) + 1)}
