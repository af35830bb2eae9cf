"""Mounts of a RUN that the builder takes and hadolint's parser refuses."""

from wherry.dockerfile.source import Span
from wherry.dockerfile.statement import Flag, Statement
from wherry.lazy import regex
from wherry.lint.refusals import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT = r'(?:"(?:[^"\\]|\\.)*"|[^,]+)'
_OPTION = regex(
    rf"(?P<name>env|from|gid|id|mode|size|uid|source|src|target|dst|destination)={_TEXT}"
    r"|(?i:(?P<access>ro|rw|readonly|readwrite)(?:=(?:true|false))?)"
    r"|(?P<required>required(?:=(?:[Tt]rue|[Ff]alse))?)"
    r"|(?P<sharing>sharing)=(?:private|shared|locked)"
    r"|(?P<type>type)=(?P<kind>bind|cache|tmpfs|secret|ssh)"
    r"|(?P<relabel>relabel=(?:shared|private)|[zZ])"
)
_NAMED = regex(r"(?:type|sharing)=")
_ALIASES = {"src": "source", "dst": "target", "destination": "target"}
_SECRET = frozenset(("target", "id", "required", "source", "mode", "uid", "gid", "env"))
_ALLOWED = {
    "bind": frozenset(("target", "source", "from", "access", "relabel")),
    "cache": _SECRET - {"required", "env"} | {"sharing", "access", "from"},
    "tmpfs": frozenset(("target", "size")),
    "secret": _SECRET,
    "ssh": _SECRET,
}
_NEED_TARGET = ("bind", "cache", "tmpfs")


def in_mounts(statement: Statement) -> "Iterator[Refusal]":
    for flag in statement.flags:
        if flag.name == "mount":
            yield from _in_mount(flag)


def _in_mount(flag: Flag) -> "Iterator[Refusal]":
    value, start = flag.value or "", flag.value_span.start
    kind, at = "bind", 0
    names: list[str] = []
    while True:
        option = _OPTION.match(value, at)
        end = option.end() if option else at
        if option is None or value[end : end + 1] not in ("", ","):
            known = _NAMED.match(value, at)
            place = Span(start + (known.end() if known else end), flag.value_span.end)
            yield Refusal(place, "an option of a mount that it does not know")
            return
        kind = option["kind"] or kind
        if not option["kind"]:
            name = str(option["name"] or option.lastgroup)
            names.append(_ALIASES.get(name, name))
        at = end + 1
        if end == len(value):
            break
    behind = Span(flag.value_span.end, flag.value_span.end)
    if kind in _NEED_TARGET and "target" not in names:
        yield Refusal(behind, "a mount without a target")
    elif len(set(names)) < len(names) or not _ALLOWED[kind].issuperset(names):
        yield Refusal(behind, f"an option that a mount of type {kind} does not have")
