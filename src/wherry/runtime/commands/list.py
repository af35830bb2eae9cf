"""wherry-runtime list: the containers below --root."""

import json
import os
import pwd
from argparse import ArgumentParser, Namespace
from pathlib import Path

from wherry.errors import InvalidArgument, NotFound
from wherry.runtime.operations import document
from wherry.runtime.state import ContainerFolder

TITLES = ("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER")


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--format", "-f", default="table", help="table or json")
    parser.add_argument("--quiet", "-q", action="store_true", help="only the IDs")


def run(options: Namespace) -> None:
    documents = _documents(Path(options.root))
    if options.quiet:
        for found in documents:
            print(found["id"])
    elif options.format == "json":
        print(json.dumps(documents or None, separators=(",", ":")))
    elif options.format == "table":
        rows = [tuple(str(found[title.lower()]) for title in TITLES) for found in documents]
        for line in table([TITLES, *rows]):
            print(line)
    else:
        raise InvalidArgument("invalid format option")


def _documents(root: Path) -> list[dict[str, object]]:
    try:
        names = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        try:
            folder = ContainerFolder(root, name)
            state = folder.load()
        except (InvalidArgument, NotFound):  # not a container's, or not complete yet
            continue
        found.append(document(folder, state) | {"owner": _owner(folder.path)})
    return found


def _owner(path: Path) -> str:
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Columns of at least 12, three apart, as Go's tabwriter is told to make them by runc."""
    widths = [max(12, *(len(row[index]) + 3 for row in rows)) for index in range(len(TITLES) - 1)]
    return [
        "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + row[-1]
        for row in rows
    ]
