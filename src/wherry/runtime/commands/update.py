"""wherry-runtime update: change the limits of a container that runs."""

import json
import re
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TypeVar

from wherry.errors import InvalidArgument
from wherry.oci.codec import from_json
from wherry.oci.runtime_spec import (
    BlockIOLimits,
    CPULimits,
    Linux,
    MemoryLimits,
    PidsLimit,
    Resources,
)
from wherry.runtime.commands.folders import folder_of, load_alive
from wherry.runtime.resources import LimitsRefused, apply_resources
from wherry.runtime.scopes import tell_systemd
from wherry.runtime.state import ContainerState, cgroup_of
from wherry.values import fields, replace

T = TypeVar("T")

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE)
_SIZES = ("memory", "memory-reservation", "memory-swap", "kernel-memory-tcp")
_NUMBERS = {
    "cpu-period": "period",
    "cpu-quota": "quota",
    "cpu-burst": "burst",
    "cpu-share": "shares",
    "cpu-rt-period": "realtime_period",
    "cpu-rt-runtime": "realtime_runtime",
    "cpu-idle": "idle",
}


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--resources",
        "-r",
        default="",
        help="a file of resources, or - for stdin; the rest is ignored",
    )
    for flag in (*_SIZES, "kernel-memory", *_NUMBERS):
        parser.add_argument(f"--{flag}", default="")
    parser.add_argument("--cpuset-cpus", default="", help="processors to use")
    parser.add_argument("--cpuset-mems", default="", help="memory nodes to use")
    parser.add_argument("--blkio-weight", type=int, default=0, help="10 to 1000")
    parser.add_argument("--pids-limit", type=int, default=0)
    parser.add_argument("id")


def run(options: Namespace) -> None:
    folder = folder_of(options)
    state = load_alive(folder)
    asked = _from_file(options.resources) if options.resources else _from_flags(options)
    linux = state.spec.linux or Linux()
    before = linux.resources or Resources()
    try:
        _apply(state, asked)
    except LimitsRefused as refused:
        # Some may have been set already; the container goes on under those it had.
        try:
            _apply(state, before)
        except LimitsRefused as error:
            refused.add_note(f"the former limits could not be set again: {error.message}")
        raise
    after = replace(linux, resources=merged(before, asked))
    folder.save(replace(state, spec=replace(state.spec, linux=after)))


def _apply(state: ContainerState, resources: Resources) -> None:
    cgroup = cgroup_of(state)
    if state.scope:
        tell_systemd(cgroup, resources)
    apply_resources(cgroup, resources, with_devices=False)


def _from_file(name: str) -> Resources:
    text = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        return from_json(Resources, json.loads(text))
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"{name}: {error}") from error


def _from_flags(options: Namespace) -> Resources:
    def text_of(flag: str) -> str:
        return str(getattr(options, flag.replace("-", "_")))

    if text_of("kernel-memory"):
        print("warning: kernel memory settings are ignored and will be removed", file=sys.stderr)
    sizes = {flag: _size(flag, text) for flag in _SIZES if (text := text_of(flag))}
    numbers = {key: _number(flag, text_of(flag)) for flag, key in _NUMBERS.items() if text_of(flag)}
    return Resources(
        memory=MemoryLimits(
            limit=sizes.get("memory"),
            reservation=sizes.get("memory-reservation"),
            swap=sizes.get("memory-swap"),
            kernel_tcp=sizes.get("kernel-memory-tcp"),
        ),
        cpu=CPULimits(cpus=options.cpuset_cpus, mems=options.cpuset_mems, **numbers),
        pids=PidsLimit(limit=options.pids_limit) if options.pids_limit else None,
        block_io=BlockIOLimits(weight=options.blkio_weight or None),
    )


def _size(flag: str, text: str) -> int:
    if text == "-1":
        return -1
    match = _SIZE.fullmatch(text)
    if match is None:
        raise InvalidArgument(f"invalid value for {flag}: invalid size: '{text}'")
    return int(float(match[1]) * 1024 ** " kmgtp".index(match[2].lower() or " "))


def _number(flag: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidArgument(f"invalid value for {flag}: invalid syntax: '{text}'") from None


def merged(before: Resources, asked: Resources) -> Resources:
    """`before` with what `asked` names; 0 and "" name nothing."""
    return replace(
        before,
        memory=_overlaid(before.memory or MemoryLimits(), asked.memory),
        cpu=_overlaid(before.cpu or CPULimits(), asked.cpu),
        block_io=_overlaid(before.block_io or BlockIOLimits(), asked.block_io),
        pids=asked.pids if asked.pids and asked.pids.limit else before.pids,
        unified=before.unified | asked.unified,
    )


def _overlaid(before: T, asked: T | None) -> T:
    if asked is None:
        return before
    named = {
        field.name: value
        for field in fields(asked)  # type: ignore[arg-type]
        if (value := getattr(asked, field.name))
    }
    return replace(before, **named)  # type: ignore[type-var]
