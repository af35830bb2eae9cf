"""What can stand at a place: commands, flags, names that the engine knows, known words."""

import os
import re
import signal
from collections.abc import Callable, Iterable, Iterator

from wherry.cli.commands import GROUPS, rows
from wherry.cli.completion.place import Place
from wherry.cli.completion.words import FILES, FLAG_KINDS, FLAG_WORDS, OPERAND_WORDS
from wherry.cli.context import Context
from wherry.cli.flags import Flag
from wherry.cli.number_flags import Duration
from wherry.errors import WherryError
from wherry.linux.capabilities import NAMES as CAPABILITIES
from wherry.store.containers import Status, list_containers
from wherry.store.images import all_names, list_images
from wherry.store.networks import list_networks
from wherry.store.places import root_path
from wherry.store.store import Store
from wherry.store.volumes import list_volumes

Choice = tuple[str, str]  # a word and what it is

_ANY_STATE = frozenset(Status)
_RUNNING = frozenset((Status.RUNNING,))
_STATES = {
    "containers.attach": _RUNNING,
    "containers.exec": _RUNNING,
    "containers.kill": _RUNNING | {Status.PAUSED},
    "containers.pause": _RUNNING,
    "containers.start": frozenset((Status.CREATED, Status.EXITED)),
    "containers.stop": _RUNNING | {Status.PAUSED, Status.RESTARTING},
    "containers.top": _RUNNING,
    "containers.unpause": frozenset((Status.PAUSED,)),
}
# In the help of a flag: (json|table), or ("json", "table").
_LISTED = re.compile(r'\(((?:[\w.-]+\|)+[\w.-]+|"[^()]*")\)')
_KIND = re.compile(r"(?:^|\|)\[*([A-Za-z_]+)")


def lines_for(place: Place, context: Context) -> Iterator[str]:
    """The lines that the shell gets."""
    choices, of_the_shell = _choices(place, context)
    written = place.word.removeprefix(place.head)
    for word, description in choices:
        if word.startswith(written):
            first = description.partition("\n")[0]
            yield f"{place.head}{word}\t{first}" if first else f"{place.head}{word}"
    yield f":{of_the_shell}"


def _choices(place: Place, context: Context) -> tuple[Iterable[Choice], str]:
    if place.flag is not None:
        return _values(place, context), FILES.get(place.flag.name, "")
    if place.flags:
        return _flags(place), ""
    choices = [] if place.below is None else list(_commands(place.below))
    if place.syntax is None:
        return choices, ""
    if place.module in OPERAND_WORDS:
        return [*choices, *_plain(OPERAND_WORDS[place.module])], ""
    kinds = _kinds_of_operand(place)
    for kind in kinds:
        choices += _named(kind, place, context)
    return choices, next((FILES[kind] for kind in kinds if kind in FILES), "")


def _commands(below: str) -> Iterator[Choice]:
    """The words that can follow `below`."""
    start = f"{below} " if below else ""
    if not below:
        yield from GROUPS.items()
    for row in rows():
        for name in row.names:
            word = name.removeprefix(start)
            if name.startswith(start) and " " not in word:
                yield word, row.summary


def _flags(place: Place) -> Iterator[Choice]:
    for flag in sorted(place.flags, key=lambda flag: flag.name):
        if not (flag.hidden or flag.deprecated or flag.unsupported):
            yield f"--{flag.name}", flag.help
    yield "--help", "Print usage"


def _values(place: Place, context: Context) -> Iterator[Choice]:
    flag = place.flag
    assert flag is not None
    own = f"{place.module} {flag.name}"
    key = own if own in FLAG_WORDS or own in FLAG_KINDS else flag.name
    if flag.alone:
        yield from _plain(("true", "false"))
    elif key in ("cap-add", "cap-drop"):
        yield from _plain(("ALL", *(name.removeprefix("CAP_") for name in CAPABILITIES)))
    elif key in ("signal", "stop-signal"):
        yield from _plain(one.name for one in signal.Signals)
    elif key == "env":
        yield from _plain(sorted(os.environ))
    if key in FLAG_KINDS:
        yield from _named(FLAG_KINDS[key], place, context)
    yield from _plain(FLAG_WORDS.get(own) or _listed(flag) or FLAG_WORDS.get(flag.name, ()))


def _listed(flag: Flag) -> list[str]:
    """The values that the flag's help lists."""
    found = None if isinstance(flag, Duration) else _LISTED.search(flag.help)  # not its units
    return re.findall(r"[\w.-]+", found[1]) if found else []


def _kinds_of_operand(place: Place) -> list[str]:
    """What the first line of the usage calls the operand that is written."""
    assert place.syntax is not None
    if place.module == "containers.cp":
        return ["CONTAINER_PATH"]  # on either side, or a path of the host
    words = place.syntax.usage.partition("\n")[0].replace(" | ", "|").split()
    words = [word for word in words if word != "[OPTIONS]"]
    at = len(place.operands)
    if at < len(words):
        return _KIND.findall(words[at].upper())
    return _KIND.findall(words[-1]) if words and "..." in words[-1] else []


def _named(kind: str, place: Place, context: Context) -> list[Choice]:
    """The names of a kind that the engine has; none where it cannot be asked."""
    if not os.path.isdir(root_path(context.root)):
        return []  # completing makes nothing
    try:
        if kind == "CONTAINER":
            found = _containers(context.engine.store, _STATES.get(place.module, _ANY_STATE))
        elif kind in _SOURCES:
            found = _SOURCES[kind](context.engine.store)
        else:
            return []
    except (WherryError, OSError):  # nobody wants to read that while writing a line
        return []
    return [choice for choice in found if choice[0] not in place.operands]


def _plain(words: Iterable[str]) -> list[Choice]:
    return [(word, "") for word in words]


def _containers(store: Store, states: frozenset[Status]) -> list[Choice]:
    return [
        (container.name, f"{container.status.value}, {container.config.image}")
        for container in list_containers(store)
        if container.status in states
    ]


def _container_paths(store: Store) -> list[Choice]:
    return [(f"{name}:", text) for name, text in _containers(store, _ANY_STATE)]


def _images(store: Store) -> list[Choice]:
    connection = store.database.connection
    names = all_names(connection)
    tags = [
        (str(name), image.short)
        for image, references in names.items()
        for name in references
        if name.digest is None
    ]
    untagged = [image.id.short for image in list_images(connection) if image.id not in names]
    return [*tags, *((short, "untagged") for short in untagged)]


def _networks(store: Store) -> list[Choice]:
    return [(network.name, network.driver) for network in list_networks(store)]


def _volumes(store: Store) -> list[Choice]:
    return [(volume.name, volume.driver) for volume in list_volumes(store)]


def _all_but_images(store: Store) -> list[Choice]:
    return [*_containers(store, _ANY_STATE), *_networks(store), *_volumes(store)]


_SOURCES: dict[str, Callable[[Store], list[Choice]]] = {
    "CONTAINER_PATH": _container_paths,
    "ID": _all_but_images,  # inspect's NAME|ID
    "IMAGE": _images,
    "MANIFEST": _images,
    "NAME": _images,
    "NETWORK": _networks,
    "REPOSITORY": _images,
    "SOURCE_IMAGE": _images,
    "SOURCE_VOLUME": _volumes,
    "TARGET_IMAGE": _images,
    "VOLUME": _volumes,
}
