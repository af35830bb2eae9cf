"""Docker's document of an event, and which events its filters let through."""

from collections.abc import Mapping

from wherry.engine.filters import Filters, check_keys, has_labels
from wherry.store.events import Event

# Of the subjects that Docker has and we have not, nothing ever happens.
_SUBJECTS_OF_DOCKER = {"config", "daemon", "node", "plugin", "secret", "service"}
KEYS = frozenset(
    {"container", "event", "image", "label", "network", "scope", "type", "volume"}
    | _SUBJECTS_OF_DOCKER
)


def event_document(event: Event) -> dict[str, object]:
    """A line of GET /events."""
    return {
        **old_fields(event),
        "Type": event.type,
        "Action": event.action,
        "Actor": {"ID": event.actor_id, "Attributes": event.attributes},
        "scope": "local",
        "time": event.time_ns // 10**9,
        "timeNano": event.time_ns,
    }


def old_fields(event: Event) -> dict[str, object]:
    """What Docker repeats at the top for clients of before 2016."""
    if event.type not in ("container", "image"):
        return {}
    old: dict[str, object] = {"status": event.action, "id": event.actor_id}
    image = event.attributes.get("image") if event.type == "container" else None
    return {**old, "from": image} if image else old


def check_event_filters(filters: Filters) -> None:
    check_keys(filters, KEYS)


def passes_event_filters(event: Event, filters: Mapping[str, tuple[str, ...]]) -> bool:
    for key, values in filters.items():
        if key == "label":
            if not has_labels(event.attributes, values):
                return False
        elif not any(_matches(event, key, value) for value in values):
            return False
    return True


def _matches(event: Event, key: str, value: str) -> bool:
    if key == "type":
        return event.type == value
    if key == "event":
        # "exec_start" matches "exec_start: sh", as in Docker
        return event.action == value or event.action.partition(":")[0] == value
    if key == "scope":
        return value == "local"
    named = event.attributes.get("name", "")
    if key == "image" and event.type == "container":
        return event.attributes.get("image", "") == value
    return event.type == key and (named == value or event.actor_id.startswith(value))
