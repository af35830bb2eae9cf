"""wherry ps"""

import time

from wherry.cli.client_config import user_setting
from wherry.cli.context import Context
from wherry.cli.flags import Boolean, Filters, FlagSet, String, Syntax
from wherry.cli.listing import FORMAT_HELP, Row, print_rows
from wherry.cli.number_flags import Integer
from wherry.cli.ports import ports_text
from wherry.cli.templates.errors import TemplateError
from wherry.cli.templates.template import Template
from wherry.cli.templates.values import NIL_POINTER
from wherry.cli.units import human_duration, human_size
from wherry.errors import InvalidArgument
from wherry.go_text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SYNTAX = Syntax("[OPTIONS]")
TITLES = {
    "ID": "CONTAINER ID",
    "Names": "NAMES",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "CreatedAt": "CREATED AT",
    "RunningFor": "CREATED",
    "Ports": "PORTS",
    "State": "STATE",
    "Status": "STATUS",
    "Size": "SIZE",
    "Labels": "LABELS",
    "Mounts": "MOUNTS",
    "LocalVolumes": "LOCAL VOLUMES",
    "Networks": "NETWORKS",
    "Platform": "PLATFORM",
}
_TABLE = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"
_RAW = """container_id: {{.ID}}
image: {{.Image}}
command: {{.Command}}
created_at: {{.CreatedAt}}
state: {{- pad .State 1 0}}
status: {{- pad .Status 1 0}}
names: {{.Names}}
labels: {{- pad .Labels 1 0}}
ports: {{- pad .Ports 1 0}}
"""
KIND = "*formatter.ContainerContext"
_SHORT = 12
_LONGEST_COMMAND = 20
_LONGEST_MOUNT = 15


class Flags(FlagSet):
    all = Boolean("a", "Show all containers (default shows just running)")
    filter = Filters("f", "Filter output based on conditions provided")
    format = String("", FORMAT_HELP)
    last = Integer(
        "n", "Show n last created containers (includes all states)", default=-1, default_text="-1"
    )
    latest = Boolean("l", "Show the latest created container (includes all states)")
    no_trunc = Boolean("", "Don't truncate output")
    quiet = Boolean("q", "Only display container IDs")
    size = Boolean("s", "Display total file sizes")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.containers.list import list_summaries  # --help does without the engine

    limit = 1 if flags.latest and flags.last == -1 else max(flags.last, 0)
    chosen = flags.format or ("" if flags.quiet else user_setting(context, "psFormat"))
    with_size = flags.size or (not flags.given("size") and _shows_size(chosen))
    summaries: list[dict[str, Any]] = list_summaries(
        context.engine,
        all_states=flags.all,
        limit=limit,
        size=with_size,
        filters=flags.filter,
    )
    if flags.quiet:
        if flags.format:
            context.err(
                "WARNING: Ignoring custom format, because both --format and --quiet are set."
            )
        for summary in summaries:
            identifier = summary["Id"] if flags.no_trunc else summary["Id"][:_SHORT]
            context.out(f"container_id: {identifier}" if chosen == "raw" else identifier)
        return
    print_rows(
        context,
        [
            Row(
                container_row(summary, whole=flags.no_trunc),
                kind=KIND,
                labels=summary["Labels"],
            )
            for summary in summaries
        ],
        chosen=_RAW + ("size: {{.Size}}\n" if flags.size else "") if chosen == "raw" else chosen,
        titles=TITLES,
        default=_TABLE + ("\t{{.Size}}" if flags.size else ""),
    )


def _shows_size(text: str) -> bool:
    """Whether a template asks for sizes, found out as Docker does: by executing it on nothing.

    Sizes cost a walk over each container's files, and so does writing a whole row as JSON.
    """
    if text in ("", "table", "json", "raw"):
        return False
    trial = _Trial()
    try:
        template = Template(text)
    except TemplateError as error:
        raise InvalidArgument(f"failed to parse template: {error}") from error
    try:
        template.execute(trial)
    except TemplateError as error:
        raise InvalidArgument(f"failed to execute template: {error}") from error
    return "Size" in trial.used


class _Trial(Row):
    """A row that notes what a template asks of it."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(TITLES, ""), kind=KIND, labels={})
        self.used: set[str] = set()

    def field(self, name: str) -> object:
        self.used.add(name)
        return super().field(name)

    def as_json(self) -> object:
        self.used.update(TITLES)
        return super().as_json()


def container_row(summary: "dict[str, Any]", *, whole: bool) -> dict[str, object]:
    """The fields of a container, for templates."""
    created = summary["Created"]
    mounts = [mount.get("Name") or mount["Source"] for mount in summary["Mounts"]]
    return {
        "Command": quoted(summary["Command"] if whole else _cut(summary["Command"])),
        "CreatedAt": time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(created)),
        "ID": summary["Id"] if whole else summary["Id"][:_SHORT],
        "Image": summary["Image"] or "<no image>",
        "Labels": ",".join(f"{key}={value}" for key, value in summary["Labels"].items()),
        "LocalVolumes": str(sum(1 for mount in summary["Mounts"] if mount["Type"] == "volume")),
        "Mounts": ",".join(mounts if whole else [_cut(name, _LONGEST_MOUNT) for name in mounts]),
        "Names": ",".join(name.removeprefix("/") for name in summary["Names"]),
        "Networks": ",".join(summary["NetworkSettings"]["Networks"]),
        "Platform": NIL_POINTER,
        "Ports": ports_text(summary["Ports"]),
        "RunningFor": f"{human_duration(time.time() - created)} ago",
        "Size": _size(summary),
        "State": summary["State"],
        "Status": summary["Status"],
    }


def _cut(text: str, longest: int = _LONGEST_COMMAND) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _size(summary: "dict[str, Any]") -> str:
    if "SizeRw" not in summary:
        return human_size(0, 3)
    text = human_size(summary["SizeRw"], 3)
    total = summary["SizeRootFs"]
    return f"{text} (virtual {human_size(total, 3)})" if total > 0 else text
