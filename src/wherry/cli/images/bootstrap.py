"""wherry bootstrap"""

import os

from wherry.cli.context import Context, is_terminal, write_error
from wherry.cli.flags import FlagSet, String, Strings, Syntax

SYNTAX = Syntax(
    "[OPTIONS] NAME[:TAG]",
    least=1,
    most=1,
    description=(
        "Make a base image without a registry.\n\n"
        "busybox is made from the machine's static busybox; debian:RELEASE, such as\n"
        "debian:bookworm or debian:trixie-slim, and ubuntu:RELEASE by mmdebstrap from\n"
        "the mirrors that apt is configured with."
    ),
)


class Flags(FlagSet):
    include = Strings("", "Install these packages too, separated by commas (Debian, Ubuntu)")
    mirror = String("", "Take packages from this mirror alone (Debian, Ubuntu)")
    tag = String("t", "Name of the image (default: as it is asked for)")
    variant = String(
        "",
        "Set of packages to begin with, as mmdebstrap names it (Debian, Ubuntu)",
        default="minbase",
    )


def run(flags: Flags, context: Context) -> None:
    # --help does without the engine
    from wherry.engine.images.bootstrap import bootstrap_image
    from wherry.engine.images.bootstrap_debian import DebianOptions

    packages = [word for text in flags.include for word in text.replace(",", " ").split()]
    phases = _Phases()
    options = DebianOptions(
        variant=flags.variant,
        include=tuple(packages),
        mirror=flags.mirror,
        notify=phases.show,
    )
    try:
        image_id = bootstrap_image(context.engine, flags.operands[0], flags.tag, options)
    finally:
        phases.clear()
    context.out(str(image_id))


class _Phases:
    """What goes on: one line that changes on a terminal, else a line each, on standard error."""

    def __init__(self) -> None:
        self._terminal = is_terminal(2)
        self._shown = False

    def show(self, line: str) -> None:
        if self._terminal and not line.startswith("warning: "):
            os.write(2, f"\r\x1b[K{line} ...".encode())
            self._shown = True
        else:
            self.clear()
            write_error(line)

    def clear(self) -> None:
        if self._shown:
            os.write(2, b"\r\x1b[K")
            self._shown = False
