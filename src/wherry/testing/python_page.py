"""The page of the Python API, from the faces themselves.

python -m wherry.testing.python_page > docs/reference/python.md
"""

import inspect
import re
from collections.abc import Iterator
from types import FunctionType
from typing import get_overloads

from wherry.engine.containers.handle import ContainerFailed, ContainerHandle, ExecResult
from wherry.engine.faces.containers import Containers
from wherry.engine.faces.images import Images
from wherry.engine.faces.networks import Networks
from wherry.engine.faces.system import System
from wherry.engine.faces.volumes import Volumes

_HEAD = """\
# The Python API

```python
from wherry import Engine

engine = Engine()  # or Engine(root, run): an installation in folders of its own
engine.containers.run("busybox", ["echo", "hello"])
```

An engine is cheap to make and holds no process. Methods raise the kinds of `wherry.errors`:
`NotFound`, `Conflict`, `InvalidArgument` and the others, whose `message` is Docker's sentence and
whose `hint`, where there is one, says what can be done. Options of containers are the long flags
of [`wherry run`](commands.md) with underscores, in Python's own values:
`memory="64m"`, `env={"A": "b"}`, `publish=["8080:80"]`, `volume={"data": "/data"}`.
A script that uses most of it: [examples/python_api.py](../../examples/python_api.py).
Generated: `python -m wherry.testing.python_page > docs/reference/python.md`.
"""
_WIDTH = 100
_PARTS = (
    ("engine.containers", Containers),
    ("A container", ContainerHandle),
    ("What `exec` returns", ExecResult),
    ("When a program fails", ContainerFailed),
    ("engine.images", Images),
    ("engine.networks", Networks),
    ("engine.volumes", Volumes),
    ("engine.system", System),
)


def page() -> str:
    return _HEAD + "".join(f"{line}\n" for title, of in _PARTS for line in _part(title, of))


def _part(title: str, of: type) -> Iterator[str]:
    yield from ("", f"## {title}" if " " in title else f"## `{title}`")
    if text := _text_of(of):
        yield from ("", text)
    members = [
        (name, member)
        for name, member in vars(of).items()
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
    ]
    if members:
        block = "\n".join(line for name, member in members for line in _member(name, member))
        yield from ("", "```text", block.rstrip(), "```")


def _member(name: str, member: "FunctionType | property") -> Iterator[str]:
    if isinstance(member, property):
        assert member.fget is not None
        documented: object = member.fget
        lines = [f"{name}: {_plain(inspect.signature(member.fget).return_annotation)}"]
    else:
        documented = member
        lines = [
            line
            for shape in get_overloads(member) or [member]
            for line in _call(name, inspect.signature(shape)).splitlines()
        ]
    yield from lines
    if text := _text_of(documented):
        yield from (f"    # {line}".rstrip() for line in text.splitlines())
        yield ""


def _call(name: str, signature: inspect.Signature) -> str:
    parameters = [
        parameter.replace(annotation=_Text(_plain(parameter.annotation)))
        if parameter.annotation is not parameter.empty
        else parameter
        for key, parameter in signature.parameters.items()
        if key != "self"
    ]
    returned = _Text(_plain(signature.return_annotation))
    signature = signature.replace(parameters=parameters, return_annotation=returned)
    line = f"{name}{signature}"
    if len(line) <= _WIDTH:
        return line
    inner, arrow, end = line.removeprefix(f"{name}(").rpartition(") -> ")
    parameters_in_lines = "".join(f"    {part},\n" for part in _parted(inner))
    return f"{name}(\n{parameters_in_lines}{arrow}{end}"


def _parted(text: str) -> Iterator[str]:
    """The parameters in `text`, which commas outside brackets divide."""
    depth = start = 0
    for at, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            yield text[start:at].strip()
            start = at + 1
    yield text[start:].strip()


class _Text:
    """An annotation that is shown as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _plain(annotation: object) -> str:
    """An annotation without the modules of its names."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", text).replace("'", "").replace('"', "")


def _text_of(what: object) -> str:
    """The docstring of its own, not that of a base."""
    own = getattr(what, "__doc__", None)
    return inspect.cleandoc(own) if own else ""


if __name__ == "__main__":
    print(page(), end="")
