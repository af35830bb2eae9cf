"""The text of `--help`, laid out as Docker's command line lays it out.

Descriptions of flags are wrapped by pflag's rule: to the width less one, in a column two spaces
right of the longest flag; a line break in the text is kept and indented likewise; the last line
may run over by up to five columns, so that no short word is left alone.
"""

import os

from wherry.cli.commands import GROUPS, NAME, Row, rows
from wherry.cli.flags import Boolean, Flag, FlagSet, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_SLOP = 5
_NARROWEST = 24  # columns below which a description starts on a line of its own


def top_help(options: type[FlagSet], width: int) -> str:
    """The help of the program."""
    common = _entries(row for row in rows() if row.common and row.top_name)
    rest = _entries(row for row in rows() if row.top_name and not row.common)
    groups = sorted(GROUPS.items())
    column = max(len(name) for name, _ in [*common, *rest, *groups])
    return "\n".join(
        (
            f"Usage:  {NAME} [OPTIONS] COMMAND",
            "",
            "A container engine without a daemon",
            "",
            "Common Commands:",
            *_listing(common, column),
            "",
            "Management Commands:",
            *_listing(groups, column),
            "",
            "Commands:",
            *_listing(sorted(rest), column),
            "",
            "Global Options:",
            *flag_lines(options, width),
            "",
            f"Run '{NAME} COMMAND --help' for more information on a command.",
        )
    )


def group_help(group: str) -> str:
    """The help of a command that only has commands below it, such as `container`."""
    entries = sorted(_members(group))
    column = max(len(name) for name, _ in entries)
    return "\n".join(
        (
            f"Usage:  {NAME} {group} COMMAND",
            "",
            GROUPS[group],
            "",
            "Commands:",
            *_listing(entries, column),
            "",
            f"Run '{NAME} {group} COMMAND --help' for more information on a command.",
        )
    )


def command_help(row: Row, words: str, syntax: Syntax, flags: type[FlagSet], width: int) -> str:
    """The help of one command, called as `words`."""
    parts = [
        f"Usage:  {NAME} {words} {syntax.usage}".rstrip(),
        "",
        syntax.description or row.summary,
    ]
    if len(row.names) > 1:
        aliases = ", ".join(f"{NAME} {name}" for name in row.names)
        parts += ["", "Aliases:", f"  {aliases}"]
    lines = flag_lines(flags, width)
    if lines:
        parts += ["", "Options:", *lines]
    return "\n".join(parts)


def flag_lines(flags: type[FlagSet], width: int) -> list[str]:
    """One entry for each visible flag, in order of their names."""
    shown = [
        (_head(flag), flag)
        for _, flag in sorted(flags.declared().items())
        if not flag.hidden and not flag.deprecated
    ]
    column = max((len(head) for head, _ in shown), default=0) + 3
    return [
        f"{head:<{column}}{wrapped(_description(flag), column, width - 1)}" for head, flag in shown
    ]


def _head(flag: Flag) -> str:
    short = f"-{flag.short}, " if flag.short else "    "
    return f"  {short}--{flag.name} {flag.type_name}".rstrip()


def _description(flag: Flag) -> str:
    default = flag.default_text
    if not default and flag.default != flag.empty:
        default = f'"{flag.default}"' if isinstance(flag.default, str) else str(flag.default)
        default = default.lower() if isinstance(flag, Boolean) else default
    return f"{flag.help} (default {default})" if default else flag.help


def wrapped(text: str, column: int, width: int) -> str:
    """`text` broken to end before `width`, its later lines indented to `column`."""
    start = ""
    if width - column < _NARROWEST:
        column = 16
        start = "\n" + " " * column
    if width - column < _NARROWEST:
        return text.replace("\n", start)
    lines: list[str] = []
    while text or not lines:
        line, text = _first_line(text, width - column - _SLOP)
        lines.append(line)
    return start + ("\n" + " " * column).join("\n".join(lines).split("\n"))


def _first_line(text: str, width: int) -> tuple[str, str]:
    # Go counts the bytes of the text here, and so must we to break where it breaks.
    raw = text.encode()
    if width + _SLOP > len(raw):
        return text, ""
    head = raw[:width]
    space = max(head.rfind(blank) for blank in (b" ", b"\t", b"\n"))
    if space <= 0:
        return text, ""
    line_end = head.rfind(b"\n")
    cut = line_end if 0 < line_end < space else space
    return raw[:cut].decode(), raw[cut + 1 :].decode()


def _entries(rows: "Iterable[Row]") -> list[tuple[str, str]]:
    return [(row.top_name, row.summary) for row in rows]


def _members(group: str) -> list[tuple[str, str]]:
    """The commands of a group, each by the first of its names there."""
    found = []
    for row in rows():
        for name in row.names:
            first, _, rest = name.rpartition(" ")
            if first == group:
                found.append((rest, row.summary))
                break
    return found


def _listing(entries: "Iterable[tuple[str, str]]", column: int) -> list[str]:
    return [f"  {name:<{column}}   {summary}" for name, summary in entries]


def terminal_width() -> int:
    """The columns of the terminal on standard input, as Docker takes them; 80 without one."""
    try:
        return os.get_terminal_size(0).columns or 80
    except OSError:
        return 80
