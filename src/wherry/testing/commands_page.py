"""The page of commands and their flags, from the table that the command line is read by.

python -m wherry.testing.commands_page > docs/reference/commands.md
"""

from collections.abc import Iterator
from importlib import import_module

from wherry.cli.commands import GROUPS, NAME, Row, rows
from wherry.cli.flags import FlagSet, Syntax
from wherry.cli.help import flag_lines
from wherry.cli.main import GlobalFlags

_WIDTH = 100

_HEAD = f"""\
# Commands

What `{NAME} COMMAND --help` says, of all commands. A command or flag of Docker's name means what
it means there.
Generated: `python -m wherry.testing.commands_page > docs/reference/commands.md`.

"""


def page() -> str:
    return _HEAD + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from _block(f"{NAME} [OPTIONS] COMMAND", "For all commands.", GlobalFlags)
    for row in sorted(rows(), key=_order):
        module = import_module(row.module)
        syntax: Syntax = module.SYNTAX
        yield f"## {NAME} {row.names[0]}"
        yield ""
        yield from _block(
            f"{NAME} {row.names[0]} {syntax.usage}".rstrip(),
            (syntax.description or row.summary).rstrip("."),
            module.Flags,
            ", ".join(f"`{NAME} {name}`" for name in row.names[1:]),
        )


def _order(row: Row) -> tuple[bool, str]:
    return row.names[0].partition(" ")[0] in GROUPS, row.names[0]


def _block(usage: str, text: str, flags: type[FlagSet], others: str = "") -> Iterator[str]:
    if "\n" not in text:
        yield from (text.rstrip(".") + "." + (f" Also {others}." if others else ""), "")
    elif others:
        yield from (f"Also {others}.", "")
    yield "```text"
    yield from usage.splitlines()
    if "\n" in text:
        yield from ("", *text.splitlines())
    lines = flag_lines(flags, _WIDTH)
    if lines:
        yield from ("", *"\n".join(lines).splitlines())
    yield from ("```", "")


if __name__ == "__main__":
    print(page(), end="")
