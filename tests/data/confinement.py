"""What only a program can tell of its confinement: run inside containers, by the host's Python.

Prints lines `SECTION TEXT`. Every system call is tried with arguments that mean nothing to it, in
a process of its own, so that what answers is the filter or else the kernel's first check.
"""

import ctypes
import errno
import os
import signal

LIBC = ctypes.CDLL(None, use_errno=True)
# Those that end, stop or duplicate the caller whatever their arguments are, or hang up a terminal.
NOT_TRIED = {15, 34, 57, 58, 60, 153, 169, 219, 231}
HIGHEST = 469
CLONE, KEYCTL = 56, 250
DEVICES = (
    "c 1:1",
    "c 1:3",
    "c 1:7",
    "c 1:11",
    "c 4:0",
    "c 5:0",
    "c 5:1",
    "c 5:2",
    "c 10:200",
    "c 10:229",
    "c 10:237",
    "c 136:0",
    "c 254:9",
    "b 7:0",
    "b 254:0",
)


def answer(number: int, *arguments: int) -> str:
    """How the kernel answers a system call: an error's name, ok, or the signal it ended with."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        for standard in (0, 1, 2):
            os.close(standard)
        ctypes.set_errno(0)
        signal.alarm(2)
        words = (ctypes.c_long(argument) for argument in arguments)
        result = LIBC.syscall(ctypes.c_long(number), *words)
        if number == CLONE and result == 0:
            os._exit(0)  # the child's child
        failed = result == -1 and ctypes.get_errno()
        os.write(writer, (errno.errorcode.get(failed, str(failed)) if failed else "ok").encode())
        os._exit(0)
    os.close(writer)
    status = os.waitpid(child, 0)[1]
    with os.fdopen(reader) as told:
        return told.read() or f"signal {os.WTERMSIG(status)}"


def system_calls() -> None:
    for number in range(HIGHEST + 1):
        if number not in NOT_TRIED:
            print("calls", number, answer(number, *(-1,) * 6))
    for flags in (0x10000000, 0x20000, 0x80, 0x2000000):  # namespaces, by clone(2)
        print("calls", f"clone {flags:#x}", answer(CLONE, flags | 17, 0, 0, 0, 0))
    for domain in (0, 8, 0x20000, 0x20008, 0x40000, 4):
        print("calls", f"personality {domain:#x}", answer(135, domain))
    for family in (1, 2, 10, 16, 17, 40):
        print("calls", f"socket {family}", answer(41, family, 2 if family != 17 else 3, 0))
    print("calls", "unshare user", answer(272, 0x10000000))
    print("calls", "x32 getpid", answer(0x40000000 + 39))


def devices() -> None:
    for text in DEVICES:
        kind, _, numbers = text.partition(" ")
        major, minor = map(int, numbers.split(":"))
        path = f"/tmp/probe-{major}-{minor}"
        try:
            os.mknod(
                path, 0o600 | (0o020000 if kind == "c" else 0o060000), os.makedev(major, minor)
            )
        except OSError as error:
            print("devices", text, "mknod", errno.errorcode[error.errno or 0])
            continue
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY))
            print("devices", text, "ok")
        except OSError as error:
            print("devices", text, errno.errorcode[error.errno or 0])
        os.unlink(path)


def keys() -> None:
    print("keys", "session keyring", answer(KEYCTL, 0, -3, 0))


def descriptors() -> None:
    for name in sorted(os.listdir("/proc/self/fd"), key=int):
        try:
            os.fstat(int(name))
        except OSError:
            continue  # of the listing itself
        target = os.readlink(f"/proc/self/fd/{name}").partition(":")[0]
        print(
            "descriptors",
            name,
            target,
            "close-on-exec" if not os.get_inheritable(int(name)) else "",
        )


def process() -> None:
    masks = [signal.pthread_sigmask(signal.SIG_BLOCK, ())]
    print(
        "process",
        "blocked",
        masks,
        "ignored",
        [
            number
            for number in range(1, 65)
            if number not in (13, 25, 32, 33) and signal.getsignal(number) == signal.SIG_IGN
        ],
    )
    print("process", "session leader", os.getsid(0) in (os.getpid(), os.getppid(), 1))
    print(
        "process",
        "dumpable",
        LIBC.prctl(3),
        "subreaper and death signal",
        *(_prctl_value(option) for option in (37, 2)),
    )
    print("process", "umask", oct(os.umask(0)))
    for name in ("loginuid", "oom_score_adj", "coredump_filter", "timerslack_ns"):
        try:
            with open(f"/proc/self/{name}") as file:
                print("process", name, file.read().strip())
        except OSError as error:
            print("process", name, errno.errorcode[error.errno or 0])


def _prctl_value(option: int) -> int:
    value = ctypes.c_int(-1)
    LIBC.prctl(option, ctypes.byref(value))
    return value.value


for section in (descriptors, process, system_calls, devices, keys):
    section()
