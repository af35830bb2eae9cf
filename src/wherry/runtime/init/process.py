"""From privileged init to the user's process: limits, identity, capabilities, filter.

The order is the point. What needs privilege comes first; the seccomp filter is loaded last,
since from then on this very process is subject to it; the capability that loading takes, if the
container has none, is dropped after.
"""

import errno
import os
import resource
from collections.abc import Callable
from functools import cache

from wherry.linux import capabilities
from wherry.linux.capabilities import NAMES, CapabilitySets, bits_of, names_in
from wherry.linux.labels import open_label
from wherry.linux.memory_policy import set_memory_policy
from wherry.linux.mount import PROC_SUPER_MAGIC, filesystem_type
from wherry.linux.openat import opened
from wherry.linux.process import (
    PrctlOption,
    join_session_keyring,
    prctl,
    set_io_priority,
    set_personality,
    set_scheduler,
)
from wherry.linux.seccomp import FilterFlag, load_filter
from wherry.oci.runtime_spec import (
    Capabilities,
    MemoryPolicy,
    Personality,
    Process,
    Rlimit,
    Scheduler,
    User,
)
from wherry.runtime.errors import ContainerStartFailed
from wherry.runtime.init.channel import reason_of
from wherry.runtime.init.console import become_session_of
from wherry.runtime.init.devices import NULL_DEVICE
from wherry.runtime.init.steps import step
from wherry.values import dataclass

Warn = Callable[[str], None]

SCHEDULING_POLICIES = {
    "SCHED_OTHER": 0,
    "SCHED_FIFO": 1,
    "SCHED_RR": 2,
    "SCHED_BATCH": 3,
    "SCHED_ISO": 4,
    "SCHED_IDLE": 5,
    "SCHED_DEADLINE": 6,
}
SCHEDULING_FLAGS = {
    "SCHED_FLAG_RESET_ON_FORK": 0x01,
    "SCHED_FLAG_RECLAIM": 0x02,
    "SCHED_FLAG_DL_OVERRUN": 0x04,
    "SCHED_FLAG_KEEP_POLICY": 0x08,
    "SCHED_FLAG_KEEP_PARAMS": 0x10,
    "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20,
    "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
}
IO_CLASSES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}
PERSONALITIES = {"LINUX": 0, "LINUX32": 8}
_INFINITY = (1 << 64) - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Confinement:
    """What is decided before the fork: the filter is compiled, the terminal's owner known."""

    seccomp: bytes = b""  # BPF; empty for none
    seccomp_flags: int = 0
    keyring: str = ""  # name of a session keyring to join; empty for none
    personality: Personality | None = None
    memory_policy: MemoryPolicy | None = None

    @property
    def has_listener(self) -> bool:
        return bool(self.seccomp_flags & FilterFlag.NEW_LISTENER)


def write_oom_score(adjustment: int | None) -> None:
    """Set what the OOM killer adds; before the host's /proc is out of reach."""
    if adjustment is None:
        return
    with step("error setting oom_score_adj"):
        path = "/proc/self/oom_score_adj"
        with opened(os.open(path, os.O_RDWR | os.O_CLOEXEC)) as descriptor:
            if int(os.read(descriptor, 16)) != adjustment:
                _write(descriptor, str(adjustment), path)


def _write(descriptor: int, text: str, path: str) -> None:
    try:
        os.write(descriptor, text.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


def settle_in(process: Process, confinement: Confinement, terminal: int | None, warn: Warn) -> None:
    """What is done with all privileges still held, inside the new root."""
    if terminal is not None:
        with step("error setting controlling terminal"):
            become_session_of(terminal)
    _own_stdio(process.user)
    if confinement.keyring:
        _join_keyring(confinement.keyring, warn)
    _apply_scheduling(process)
    _change_personality(confinement.personality)
    _apply_memory_policy(confinement.memory_policy)
    _apply_rlimits(process.rlimits, warn)
    if process.no_new_privileges:
        prctl(PrctlOption.SET_NO_NEW_PRIVS, 1)
    os.umask(0o022 if process.user.umask is None else process.user.umask)


class LabelFiles:
    """Where security modules take the label of the program, opened while /proc is the host's."""

    def __init__(self, process: Process) -> None:
        self._labels: list[tuple[int, bytes]] = []
        with step("error setting security label"):
            if process.apparmor_profile:
                text = f"exec {process.apparmor_profile}".encode()
                self._labels.append((open_label("apparmor"), text))
            if process.selinux_label:
                self._labels.append((open_label("selinux"), process.selinux_label.encode()))

    def write(self) -> None:
        with step("error setting security label"):
            for descriptor, text in self._labels:
                os.write(descriptor, text)
                os.close(descriptor)


def reopen_null() -> None:
    """Replace standard descriptors that are the host's /dev/null by the container's own."""
    for number in (0, 1, 2):
        try:
            status = os.fstat(number)
        except OSError:
            continue
        if status.st_rdev == NULL_DEVICE:
            with opened(os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)) as null:
                os.dup2(null, number)


def _join_keyring(name: str, warn: Warn) -> None:
    try:
        join_session_keyring(name)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EDQUOT):
            # No keyrings in this kernel, or this user has too many: the container can do without.
            warn(f"no session keyring: {reason_of(error)}")
            return
        raise ContainerStartFailed("unable to join session keyring", reason_of(error)) from error


def _own_stdio(user: User) -> None:
    """Let the user reopen its own stdout; what is /dev/null is everybody's and stays as it is."""
    for descriptor in (0, 1, 2):
        try:
            status = os.fstat(descriptor)
            if status.st_uid == user.uid or status.st_rdev == NULL_DEVICE:
                continue
            os.fchown(descriptor, user.uid, -1)
        except OSError as error:
            # A closed one, a file on a read-only mount, an owner that has no ID in here.
            if error.errno not in (errno.EBADF, errno.EROFS, errno.EPERM, errno.EINVAL):
                raise


def _apply_scheduling(process: Process) -> None:
    if process.scheduler is not None:
        with step("error setting scheduler"):
            _set_scheduler(process.scheduler)
    if process.io_priority is not None:
        with step("error setting I/O priority"):
            set_io_priority(IO_CLASSES[process.io_priority.class_], process.io_priority.priority)


def _set_scheduler(wanted: Scheduler) -> None:
    flags = 0
    for name in wanted.flags:
        flags |= SCHEDULING_FLAGS[name]
    set_scheduler(
        SCHEDULING_POLICIES[wanted.policy],
        flags=flags,
        nice=wanted.nice,
        priority=wanted.priority,
        runtime=wanted.runtime,
        deadline=wanted.deadline,
        period=wanted.period,
    )


def _apply_rlimits(limits: tuple[Rlimit, ...], warn: Warn) -> None:
    for limit in limits:
        number = getattr(resource, limit.type)
        soft, hard = _rlimit_value(limit.soft), _rlimit_value(limit.hard)
        try:
            resource.setrlimit(number, (soft, hard))
        except (PermissionError, ValueError) as error:
            # Raising a hard limit takes CAP_SYS_RESOURCE; without it the most that is held.
            held = resource.getrlimit(number)[1]
            if not _above(hard, held):
                raise ContainerStartFailed(
                    f"error setting rlimit type {limit.type}", reason_of(error)
                ) from error
            resource.setrlimit(number, (held if _above(soft, held) else soft, held))
            warn(f"{limit.type} stays at {held}: CAP_SYS_RESOURCE is not held")


def _above(value: int, other: int) -> bool:
    if other == resource.RLIM_INFINITY:
        return False
    return value == resource.RLIM_INFINITY or value > other


def _rlimit_value(value: int) -> int:
    return resource.RLIM_INFINITY if value in (-1, _INFINITY) else value


def _apply_memory_policy(wanted: MemoryPolicy | None) -> None:
    if wanted is not None:
        with step("error setting memory policy"):
            set_memory_policy(wanted.mode, parse_numbers(wanted.nodes), wanted.flags)


def run_on(processors: str) -> None:
    """Stay on the processors of a list such as "0-3"; "" leaves it as it is."""
    if processors:
        with step("error setting CPU affinity"):
            os.sched_setaffinity(0, parse_numbers(processors))


def parse_numbers(text: str) -> set[int]:
    """Processors or memory nodes in a list such as "0-3,7", cpuset(7), or ValueError."""
    found: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, dash, last = part.partition("-")
        numbers = range(int(first), int(last if dash else first) + 1)
        if not numbers or numbers.start < 0 or numbers.stop > 1 << 16:
            raise ValueError(text)
        found.update(numbers)
    return found


def _change_personality(wanted: Personality | None) -> None:
    if wanted is not None:
        with step("error setting personality"):
            set_personality(PERSONALITIES[wanted.domain])


def enter_working_directory(path: str) -> bool:
    """Try with all privileges; False when the user may have more success (root-squashed NFS)."""
    try:
        os.chdir(path or "/")
    except PermissionError:
        return False
    except OSError as error:
        raise _bad_directory(path, error) from error
    return True


def verify_working_directory(path: str, entered: bool) -> None:
    """Enter the directory as the user if need be, and make sure it is inside the root.

    A path such as /proc/self/fd/7 could have led to a directory of the host (CVE-2024-21626):
    getcwd(2) then tells that it is unreachable.
    """
    if not entered:
        try:
            os.chdir(path)
        except OSError as error:
            raise _bad_directory(path, error) from error
    try:
        inside = os.getcwd().startswith("/")
    except OSError:
        inside = False
    if not inside:
        raise ContainerStartFailed(
            "", "current working directory is outside of container mount namespace root"
        )


def _bad_directory(path: str, error: OSError) -> ContainerStartFailed:
    reason = (error.strerror or "").lower()
    return ContainerStartFailed("", f'chdir to cwd ("{path}") set in config.json failed: {reason}')


def assume_identity(process: Process, confinement: Confinement, warn: Warn) -> CapabilitySets:
    """Become the user, and keep the capabilities it is to have; returns the final sets.

    Until `confine`, CAP_SYS_ADMIN may be held besides.
    """
    held = capabilities.current()
    wanted = process.capabilities or Capabilities()
    permitted = _held_of(wanted.permitted, held.permitted, warn)
    final = CapabilitySets(
        effective=_known_bits(wanted.effective) & permitted,
        permitted=permitted,
        inheritable=_known_bits(wanted.inheritable) & permitted,
    )
    with step("unable to apply bounding set"):
        capabilities.limit_bounding(_known_bits(wanted.bounding))
    prctl(PrctlOption.SET_KEEPCAPS, 1)
    _change_user(process.user)
    extra = capabilities.SYS_ADMIN if confinement.seccomp and not process.no_new_privileges else 0
    with step("unable to apply caps"):
        capabilities.replace(
            CapabilitySets(
                effective=final.effective | extra & held.permitted,
                permitted=final.permitted | extra & held.permitted,
                inheritable=final.inheritable,
            )
        )
        ambient = _known_bits(wanted.ambient) & final.inheritable
        if ambient:
            capabilities.replace_ambient(ambient)
    prctl(PrctlOption.SET_KEEPCAPS, 0)
    return final


@cache
def _known_bits(names: tuple[str, ...]) -> int:
    return bits_of(name for name in names if name in NAMES)  # of the others the caller was warned


def rehearse_identity(process: Process) -> None:
    """Have at hand what a fork of this process will look up."""
    wanted = process.capabilities or Capabilities()
    for names in (wanted.bounding, wanted.effective, wanted.permitted, wanted.inheritable):
        _known_bits(names)
    capabilities.last_capability()


def _held_of(names: tuple[str, ...], held: int, warn: Warn) -> int:
    wanted = _known_bits(names)
    if missing := wanted & ~held:
        warn("capabilities not held and not given: " + ", ".join(names_in(missing)))
    return wanted & held


def _change_user(user: User) -> None:
    with step("unable to setup user"):
        try:
            os.setgroups(user.additional_gids)
        except PermissionError:
            # Denied where an ordinary user mapped its own ID alone, user_namespaces(7).
            if user.additional_gids or not _groups_are_denied():
                raise
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)


def _groups_are_denied() -> bool:
    try:
        descriptor = os.open("/proc/self/setgroups", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False  # a root without a /proc tells nothing
    with opened(descriptor) as file:
        return filesystem_type(file) == PROC_SUPER_MAGIC and os.read(file, 8).strip() == b"deny"


def confine(
    confinement: Confinement, final: CapabilitySets, pass_on: Callable[[int], None]
) -> None:
    """Load the filter, then drop what loading it took.

    `pass_on` is given the descriptor of a filter that has somebody notified.
    """
    if confinement.seccomp:
        with step("unable to init seccomp"):
            descriptor = load_filter(confinement.seccomp, confinement.seccomp_flags)
        if confinement.has_listener:
            pass_on(descriptor)
            os.close(descriptor)
    with step("unable to apply caps"):
        capabilities.replace(final)
