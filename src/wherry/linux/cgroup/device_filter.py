"""The device filter of cgroup v2: a small eBPF program that the kernel asks on each access.

The program sees the request (linux/bpf.h, struct bpf_cgroup_dev_ctx) and answers 1 or 0. It is
assembled here from a device table, one block of compare-and-jump per exception:

    r2 = type, r3 = access, r4 = major, r5 = minor
    block: if type, major or minor differ, or the access does not fit: next block
           return not default
    ...    return default

Programs of parents and of other owners go on to apply: all must agree (BPF_F_ALLOW_MULTI).
"""

import ctypes
import os
import struct
from collections.abc import Iterable

from wherry.linux.cgroup.device_table import DeviceTable
from wherry.linux.cgroup.limits import DeviceRule
from wherry.linux.libc import syscall

_BPF = {"x86_64": 321, "aarch64": 280}
_PROG_LOAD, _PROG_ATTACH, _PROG_DETACH, _PROG_GET_FD_BY_ID, _PROG_QUERY = 5, 8, 9, 13, 16
_TYPE_CGROUP_DEVICE = 15
_ATTACH_CGROUP_DEVICE = 6
_ALLOW_MULTI, _REPLACE = 2, 4
_MAX_PROGRAMS = 64  # the kernel's limit per cgroup, BPF_CGROUP_MAX_PROGS

_TYPE_CODES = {"b": 1, "c": 2}
_ACCESS_CODES = {"m": 1, "r": 2, "w": 4}

# Opcodes of linux/bpf.h; all compare 32 bits, as the context's fields are.
_LOAD_WORD = 0x61  # BPF_LDX | BPF_MEM | BPF_W
_MOVE_IMMEDIATE = 0xB4  # BPF_ALU | BPF_MOV | BPF_K
_MOVE_REGISTER = 0xBC  # BPF_ALU | BPF_MOV | BPF_X
_AND_IMMEDIATE = 0x54  # BPF_ALU | BPF_AND | BPF_K
_SHIFT_RIGHT = 0x74  # BPF_ALU | BPF_RSH | BPF_K
_JUMP_NOT_EQUAL_IMMEDIATE = 0x56  # BPF_JMP32 | BPF_JNE | BPF_K
_JUMP_NOT_EQUAL_REGISTER = 0x5E  # BPF_JMP32 | BPF_JNE | BPF_X
_JUMP_EQUAL_IMMEDIATE = 0x16  # BPF_JMP32 | BPF_JEQ | BPF_K
_EXIT = 0x95


def attach(directory: str, rules: Iterable[DeviceRule]) -> None:
    """Let the cgroup at `directory` use the devices of `rules`, in place of what was allowed."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        program = _load(assemble(DeviceTable.of(rules)))
        try:
            _exchange(descriptor, program)
        finally:
            os.close(program)
    except OSError as error:
        error.filename = directory
        raise
    finally:
        os.close(descriptor)


def _exchange(cgroup: int, program: int) -> None:
    """Attach `program` and detach what was there, never leaving a moment without a filter."""
    old = _attached(cgroup)
    if len(old) == 1:
        previous = _bpf(_PROG_GET_FD_BY_ID, struct.pack("<III", old[0], 0, 0))
        try:
            _attach(cgroup, program, _ALLOW_MULTI | _REPLACE, previous)
        finally:
            os.close(previous)
        return
    _attach(cgroup, program, _ALLOW_MULTI)
    for number in old:
        previous = _bpf(_PROG_GET_FD_BY_ID, struct.pack("<III", number, 0, 0))
        try:
            _bpf(_PROG_DETACH, struct.pack("<III", cgroup, previous, _ATTACH_CGROUP_DEVICE))
        finally:
            os.close(previous)


def assemble(table: DeviceTable) -> bytes:
    """The program for `table`."""
    code = [
        # The low half of access_type is the kind of device, the high half what is asked.
        _instruction(_LOAD_WORD, 2, 1, 0),
        _instruction(_AND_IMMEDIATE, 2, immediate=0xFFFF),
        _instruction(_LOAD_WORD, 3, 1, 0),
        _instruction(_SHIFT_RIGHT, 3, immediate=16),
        _instruction(_LOAD_WORD, 4, 1, 4),
        _instruction(_LOAD_WORD, 5, 1, 8),
    ]
    for entry in table.exceptions:
        code += _block(entry, table.allow)
    code += [_instruction(_MOVE_IMMEDIATE, 0, immediate=int(table.allow)), _instruction(_EXIT)]
    return b"".join(code)


def _block(entry: DeviceRule, default: bool) -> list[bytes]:
    tests: list[tuple[int, int, int, int]] = []  # opcode, register, source, immediate
    before: list[bytes] = []
    if len(set(entry.access)) < len(_ACCESS_CODES):
        mask = sum(_ACCESS_CODES[letter] for letter in set(entry.access))
        before = [
            _instruction(_MOVE_REGISTER, 1, 3),
            _instruction(_AND_IMMEDIATE, 1, immediate=mask),
        ]
        if default:  # any of it is refused
            tests.append((_JUMP_EQUAL_IMMEDIATE, 1, 0, 0))
        else:  # all of it has to be allowed
            tests.append((_JUMP_NOT_EQUAL_REGISTER, 1, 3, 0))
    tests.append((_JUMP_NOT_EQUAL_IMMEDIATE, 2, 0, _TYPE_CODES[entry.type]))
    if entry.major is not None:
        tests.append((_JUMP_NOT_EQUAL_IMMEDIATE, 4, 0, entry.major))
    if entry.minor is not None:
        tests.append((_JUMP_NOT_EQUAL_IMMEDIATE, 5, 0, entry.minor))
    # Each test jumps over the tests after it and the two instructions of the answer.
    jumps = [
        _instruction(opcode, register, source, len(tests) - index - 1 + 2, immediate)
        for index, (opcode, register, source, immediate) in enumerate(tests)
    ]
    answer = [_instruction(_MOVE_IMMEDIATE, 0, immediate=int(not default)), _instruction(_EXIT)]
    return before + jumps + answer


def _instruction(
    opcode: int, register: int = 0, source: int = 0, offset: int = 0, immediate: int = 0
) -> bytes:
    # Immediates are unsigned here (device numbers may have the top bit set), signed in the kernel.
    return struct.pack("<BBhI", opcode, register | source << 4, offset, immediate & 0xFFFFFFFF)


def _load(code: bytes) -> int:
    program = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"Apache")
    attributes = struct.pack(
        "<IIQQIIQ",
        _TYPE_CGROUP_DEVICE,
        len(code) // 8,
        ctypes.addressof(program),
        ctypes.addressof(licence),
        0,
        0,
        0,
    )
    return _bpf(_PROG_LOAD, attributes)


def _attached(cgroup: int) -> list[int]:
    """The ids of the device programs of this cgroup itself."""
    numbers = (ctypes.c_uint32 * _MAX_PROGRAMS)()
    attributes = ctypes.create_string_buffer(
        struct.pack(
            "<IIIIQII",
            cgroup,
            _ATTACH_CGROUP_DEVICE,
            0,
            0,
            ctypes.addressof(numbers),
            _MAX_PROGRAMS,
            0,
        )
    )
    syscall(_bpf_number(), _PROG_QUERY, attributes, len(attributes) - 1)
    count = int(struct.unpack_from("<I", attributes, 24)[0])
    return list(numbers[:count])


def _attach(cgroup: int, program: int, flags: int, replaced: int = 0) -> None:
    attributes = struct.pack("<IIIII", cgroup, program, _ATTACH_CGROUP_DEVICE, flags, replaced)
    _bpf(_PROG_ATTACH, attributes)


def _bpf_number() -> int:
    return _BPF[os.uname().machine]


def _bpf(command: int, attributes: bytes) -> int:
    return syscall(_bpf_number(), command, attributes, len(attributes))
