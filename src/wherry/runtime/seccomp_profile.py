"""Seccomp profiles in Docker's form, resolved for one container on this machine.

Docker's profiles say of each rule under which capabilities, on which architectures and from
which kernel on it holds, https://docs.docker.com/engine/security/seccomp/; the runtime
configuration has only rules that hold.
"""

import json
import os
from collections.abc import Collection
from functools import cache
from pathlib import Path

from wherry import oci
from wherry.errors import InvalidArgument
from wherry.oci.codec import InvalidDocument, from_json
from wherry.oci.runtime_spec import Seccomp, SyscallArgument, SyscallRule
from wherry.values import dataclass, field

# Machine: the architecture as Docker's conditions call it, and as libseccomp does.
_ARCHITECTURES = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64"),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64"),
}


_DEFAULT = Path(oci.__file__).with_name("data") / "seccomp-default.json"


class BadProfile(InvalidArgument):
    def __init__(self, problem: str) -> None:
        super().__init__(f"Decoding seccomp profile failed: {problem}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """What a rule depends on; empty parts say nothing."""

    caps: tuple[str, ...] = ()
    arches: tuple[str, ...] = ()
    min_kernel: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileRule:
    name: str = ""  # of profiles from before `names`
    names: tuple[str, ...] = ()
    action: str
    errno_ret: int | None = None
    args: tuple[SyscallArgument, ...] = ()
    includes: Condition = field(default_factory=Condition)
    excludes: Condition = field(default_factory=Condition)


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    architecture: str
    sub_architectures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    default_action: str
    default_errno_ret: int | None = None
    architectures: tuple[str, ...] = ()
    arch_map: tuple[Architecture, ...] = ()
    flags: tuple[str, ...] = ()
    listener_path: str = ""
    listener_metadata: str = ""
    syscalls: tuple[ProfileRule, ...] = ()


@cache
def default_profile() -> Profile:
    """Docker's own profile."""
    return parse_profile(_DEFAULT.read_text())


def parse_profile(text: str) -> Profile:
    """A profile as --security-opt brings it, or BadProfile."""
    try:
        document = json.loads(text)

        profile = from_json(Profile, document)
    except (ValueError, RecursionError) as error:
        raise BadProfile(str(error)) from error
    except InvalidDocument as error:
        raise BadProfile(error.message) from error
    if profile.architectures and profile.arch_map:
        raise BadProfile("use either 'architectures' or 'archMap'")
    if any(rule.name and rule.names for rule in profile.syscalls):
        raise BadProfile("use either 'name' or 'names'")
    return profile


def resolve_profile(
    profile: Profile,
    capabilities: Collection[str],
    kernel: str = "",
    *,
    machine: str = "",
) -> Seccomp:
    """What `profile` says for a container with these capabilities in its bounding set.

    `kernel` is the release to judge by, that of this machine if not given.
    """
    release = _version(kernel or os.uname().release)
    architecture, native = _ARCHITECTURES[machine or os.uname().machine]
    held = frozenset(capabilities)
    return Seccomp(
        default_action=profile.default_action,
        default_errno_ret=profile.default_errno_ret,
        architectures=profile.architectures or _architectures(profile, native),
        flags=profile.flags,
        listener_path=profile.listener_path,
        listener_metadata=profile.listener_metadata,
        syscalls=tuple(
            SyscallRule(
                names=rule.names or (rule.name,),
                action=rule.action,
                errno_ret=rule.errno_ret,
                args=rule.args,
            )
            for rule in profile.syscalls
            if _is_included(rule.includes, held, architecture, release)
            and not _is_excluded(rule.excludes, held, architecture, release)
        ),
    )


def _architectures(profile: Profile, native: str) -> tuple[str, ...]:
    for entry in profile.arch_map:
        if entry.architecture == native:
            return (native, *entry.sub_architectures)
    return ()


def _is_included(
    condition: Condition, held: frozenset[str], architecture: str, release: tuple[int, int]
) -> bool:
    """All that is said must hold: each of the capabilities, one of the architectures."""
    return (
        held.issuperset(condition.caps)
        and (not condition.arches or architecture in condition.arches)
        and (not condition.min_kernel or release >= _version(condition.min_kernel))
    )


def _is_excluded(
    condition: Condition, held: frozenset[str], architecture: str, release: tuple[int, int]
) -> bool:
    """Any of it is enough."""
    return (
        not held.isdisjoint(condition.caps)
        or architecture in condition.arches
        or (bool(condition.min_kernel) and release >= _version(condition.min_kernel))
    )


def _version(text: str) -> tuple[int, int]:
    """Major and minor of a kernel's release, such as 6.1.0-13-amd64."""
    major, _, rest = text.partition(".")
    minor = rest.partition(".")[0].partition("-")[0]
    if not (major.isdecimal() and minor.isdecimal()):
        raise BadProfile(f"invalid kernel version: {text}")
    return int(major), int(minor)
