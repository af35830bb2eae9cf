"""Compiling the seccomp section of a configuration to BPF, through libseccomp.

Compiling takes some ten milliseconds, so programs are kept: in this process, and in a folder by
the hash of the section and of what compiled it.

System calls newer than any that the section names answer ENOSYS instead of the default, as with
runc: a C library then falls back to an older call, where EPERM would make it give up.
"""

import errno
import json
import os
import struct
from contextlib import suppress
from pathlib import Path

from wherry.linux.files import write_atomically
from wherry.linux.seccomp import FilterFlag
from wherry.oci.codec import to_json
from wherry.oci.runtime_spec import Seccomp, SyscallRule
from wherry.oci.sha256 import sha256
from wherry.runtime.errors import InvalidSpec
from wherry.runtime.seccomp_agent import notifies

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000  # marks the numbers of the x32 ABI
_LD_ABS, _JEQ, _JGE, _JGT, _RET = 0x20, 0x15, 0x35, 0x25, 0x06
_RET_ERRNO = 0x00050000
_INSTRUCTION = struct.Struct("=HBBI")
_TREE = 2  # libseccomp's level of optimization, seccomp_attr_set(3)
_MANY = 32  # system calls, from which on runc too asks for a tree
_FORMAT = 2  # of what is cached; grows when compiling changes

# The names of the specification, and libseccomp's.
ACTIONS = {
    "SCMP_ACT_ALLOW": "ALLOW",
    "SCMP_ACT_ERRNO": "ERRNO",
    "SCMP_ACT_KILL": "KILL_THREAD",
    "SCMP_ACT_KILL_PROCESS": "KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD": "KILL_THREAD",
    "SCMP_ACT_LOG": "LOG",
    "SCMP_ACT_NOTIFY": "NOTIFY",
    "SCMP_ACT_TRACE": "TRACE",
    "SCMP_ACT_TRAP": "TRAP",
}
OPERATORS = tuple(f"SCMP_CMP_{name}" for name in ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"))
FLAGS = {
    "SECCOMP_FILTER_FLAG_LOG": FilterFlag.LOG,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": FilterFlag.SPEC_ALLOW,
    "SECCOMP_FILTER_FLAG_TSYNC": FilterFlag.TSYNC,
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": FilterFlag.WAIT_KILLABLE_RECV,
}

_memory: dict[Seccomp, bytes] = {}


def compile_filter(section: Seccomp, cache: Path | None = None) -> bytes:
    """The BPF program of `section`, compiled or found in the folder `cache`.

    Raises InvalidSpec for actions, operators or architectures that libseccomp does not know.
    """
    try:
        return _memory[section]
    except KeyError:
        pass
    name = _name(section)
    program = _cached(cache, name)
    if program is None:
        program = _compile(section)
        if cache is not None:
            cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(cache / name, program, mode=0o600)
    _memory[section] = program
    return program


def is_compiled(section: Seccomp, cache: Path) -> bool:
    """Whether `compile_filter` would find the program."""
    return (cache / _name(section)).exists()


def filter_flags(section: Seccomp) -> int:
    """The flags that seccomp(2) is to be given."""
    flags = 0
    for name in section.flags:
        if name not in FLAGS:
            raise InvalidSpec([f"linux.seccomp.flags: {name} is not known"])
        flags |= FLAGS[name]
    if notifies(section):
        # With a listener TSYNC would have another meaning, and there is one thread to have it.
        flags = flags & ~FilterFlag.TSYNC | FilterFlag.NEW_LISTENER
    return flags


def _name(section: Seccomp) -> str:
    text = json.dumps([_FORMAT, os.uname().machine, to_json(section)], sort_keys=True)
    return sha256(text.encode()).hexdigest() + ".bpf"


def _cached(cache: Path | None, name: str) -> bytes | None:
    if cache is None:
        return None
    try:
        descriptor = os.open(cache / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        # A folder that others may write to is no place to take a filter from.
        status = os.fstat(descriptor)
        return file.read() if status.st_uid == os.geteuid() else None


def _compile(section: Seccomp) -> bytes:
    import pyseccomp as lib  # loads a shared library; a cached filter does without

    actions = {name: getattr(lib, constant) for name, constant in ACTIONS.items()}
    operators = {name: getattr(lib, name.removeprefix("SCMP_CMP_")) for name in OPERATORS}

    def action_of(name: str, number: int | None) -> int:
        if name in ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"):
            return int(actions[name](errno.EPERM if number is None else number))
        if name not in actions:
            raise InvalidSpec([f"linux.seccomp: action {name} is not known"])
        return int(actions[name])

    def arguments_of(rule: SyscallRule) -> list[object]:
        for argument in rule.args:
            if argument.op not in operators:
                raise InvalidSpec([f"linux.seccomp: operator {argument.op} is not known"])
        return [lib.Arg(a.index, operators[a.op], a.value, a.value_two) for a in rule.args]

    default = action_of(section.default_action, section.default_errno_ret)
    program = lib.SyscallFilter(default)
    if sum(len(rule.names) for rule in section.syscalls) > _MANY:
        # A tree of numbers instead of a list: for each that there is the kernel walks through it
        # when it is loaded, by each exec, which takes 0.4 ms less.
        with suppress(OSError):  # libseccomp before 2.5
            program.set_attr(lib.Attr.CTL_OPTIMIZE, _TREE)
    for name in section.architectures:
        architecture = getattr(lib.Arch, name.removeprefix("SCMP_ARCH_"), None)
        if architecture is None:
            continue  # of another machine; the section lists those of all
        if not program.exist_arch(architecture):
            program.add_arch(architecture)
    newest = 0
    for rule in section.syscalls:
        action = action_of(rule.action, rule.errno_ret)
        arguments = arguments_of(rule)
        for name in rule.names:
            number = _number_of(lib, name)
            if number is None:
                continue  # not a system call of this machine
            newest = max(newest, number)
            if action != default:
                _add_rule(program, action, number, arguments)
    with open(os.memfd_create("seccomp", os.MFD_CLOEXEC), "w+b") as file:
        program.export_bpf(file)
        file.seek(0)
        compiled = file.read()
    return _newer_is_unknown(newest) + compiled if default != lib.ALLOW else compiled


def _number_of(lib: object, name: str) -> int | None:
    try:
        number = int(lib.resolve_syscall(lib.Arch.NATIVE, name))  # type: ignore[attr-defined]
    except (OSError, ValueError):
        return None
    return number if number != -1 else None


def _add_rule(program: object, action: int, number: int, arguments: list[object]) -> None:
    indices = [vars(argument).get("_arg") for argument in arguments]
    if len(set(indices)) == len(indices):
        program.add_rule(action, number, *arguments)  # type: ignore[attr-defined]
        return
    # Conditions on one argument are alternatives, as with runc: libseccomp would refuse them.
    for argument in arguments:
        program.add_rule(action, number, argument)  # type: ignore[attr-defined]


def _newer_is_unknown(newest: int) -> bytes:
    """Instructions in front: native calls above `newest` answer ENOSYS; all else goes on.

    load architecture; if it is not the native one, go on
    load number; if it is one of x32, go on; if it is above `newest`, return ENOSYS
    """
    architecture = _AUDIT_ARCH.get(os.uname().machine)
    if architecture is None or newest <= 0:
        return b""
    return b"".join(
        _INSTRUCTION.pack(*values)
        for values in (
            (_LD_ABS, 0, 0, 4),
            (_JEQ, 0, 4, architecture),
            (_LD_ABS, 0, 0, 0),
            (_JGE, 2, 0, _X32),
            (_JGT, 0, 1, newest),
            (_RET, 0, 0, _RET_ERRNO | errno.ENOSYS),
        )
    )
