"""--security-opt, read where the user is: a seccomp profile travels as its text, not as a path."""

import json
import os

from wherry.engine.containers.options.environment import read_regular_file
from wherry.errors import InvalidArgument, WherryError
from wherry.go_text import quoted

BUILTIN = ("builtin", "unconfined")


class BadSeccompProfile(InvalidArgument):
    status = 125  # for `run`, as with any file of flags that cannot be read


def read_security_options(
    texts: list[str], cwd: str
) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """The options for the engine, and the masked and read-only paths where they are lifted.

    `systempaths=unconfined` is the client's word for two empty lists of paths.
    """
    options: list[str] = []
    lifted: tuple[str, ...] | None = None
    for text in texts:
        if text == "systempaths=unconfined":
            lifted = ()
            continue
        options.append(_checked(text, cwd))
    return tuple(options), lifted


def effective_capabilities(
    add: list[str], drop: list[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Both lists in Docker's form: CAP_ names and ALL, sorted."""
    return tuple(sorted(set(map(_capability, add)))), tuple(sorted(set(map(_capability, drop))))


def _capability(text: str) -> str:
    name = text.strip().upper()
    return name if name == "ALL" or name.startswith("CAP_") else f"CAP_{name}"


def _checked(text: str, cwd: str) -> str:
    key, separator, value = text.partition("=")
    if not separator:
        key, separator, value = text.partition(":")  # deprecated, and still read by Docker
    if key != "no-new-privileges" and not value:
        raise InvalidArgument(f"Invalid --security-opt: {quoted(text)}")
    if key != "seccomp" or value in BUILTIN:
        return text
    return "seccomp=" + _seccomp_profile(value, cwd)


def _seccomp_profile(name: str, cwd: str) -> str:
    try:
        data = read_regular_file(os.path.join(cwd, name), name)
    except WherryError as error:
        raise BadSeccompProfile(f"opening seccomp profile ({name}) failed: {error}") from error
    try:
        # Written again without its blanks, as Docker's client does.
        return json.dumps(json.loads(data), separators=(",", ":"))
    except (ValueError, RecursionError) as error:
        raise BadSeccompProfile(
            f"compacting json for seccomp profile ({name}) failed: {_reason(error)}"
        ) from error


def _reason(error: ValueError | RecursionError) -> str:
    """What is no JSON at all, which a wrong file mostly is, in Go's words."""
    if isinstance(error, json.JSONDecodeError) and error.msg == "Expecting value":
        if not (found := error.doc[error.pos : error.pos + 1]):
            return "unexpected end of JSON input"
        return f"invalid character '{found}' looking for beginning of value"
    return str(error)
