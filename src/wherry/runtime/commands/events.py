"""wherry-runtime events: what a container uses, and its out-of-memory kills, as they happen."""

import json
import os
import re
from argparse import ArgumentParser, Namespace

from wherry.errors import InvalidArgument
from wherry.linux.process import open_process
from wherry.runtime.commands.folders import InWrongState, folder_of, load_alive
from wherry.runtime.events import Event, follow_events, stats_event
from wherry.runtime.state import cgroup_of

_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|us|µs|ns|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--interval", default="5s", help="between stats (default: 5s)")
    parser.add_argument("--stats", action="store_true", help="print the stats once")
    parser.add_argument("id")


def run(options: Namespace) -> None:
    interval = parse_duration(options.interval)
    if interval <= 0:
        raise InvalidArgument("duration interval must be greater than 0")
    state = load_alive(folder_of(options), f"container with id {options.id} is not running")
    cgroup = cgroup_of(state)
    if options.stats:
        _print(stats_event(state.id, cgroup.stats()))
        return
    try:
        process = open_process(state.pid, state.start_time)
    except ProcessLookupError:
        raise InWrongState(f"container with id {options.id} is not running") from None
    try:
        for event in follow_events(state.id, cgroup, process, interval):
            _print(event)
    finally:
        os.close(process)


def _print(event: Event) -> None:
    print(json.dumps(event, separators=(",", ":")), flush=True)


def parse_duration(text: str) -> float:
    """Seconds of a Go duration such as "5s" or "1m30s", or InvalidArgument."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InvalidArgument(f'invalid value "{text}" for flag -interval: parse error')
    return float(sum(float(number) * _SECONDS[unit] for number, unit in parts))
