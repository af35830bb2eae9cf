"""Running mmdebstrap: a root filesystem comes out as a tar, phases and failures as lines.

It gets a mount and a PID namespace of its own, so that it leaves neither mounts nor processes
however it ends, and a staging folder for everything it writes.
"""

import os
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

from wherry.errors import NotFound, Unavailable
from wherry.images.debian.plan import POLICY, Plan, Request

_PIECE = 1 << 18
_KEPT_LINES = 200
# What mmdebstrap says of its steps, and how they are told; the rest is of its own interest.
_PHASES = {
    "running apt-get update": "reading package lists",
    "downloading packages with apt": "downloading packages",
    "extracting archives": "unpacking the essential packages",
    "installing essential packages": "installing the essential packages",
    "installing remaining packages inside the chroot": "installing the other packages",
    "cleaning package lists and apt cache": "cleaning up",
    "creating tarball": "storing the image",
}
_NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private")
_PASSED_ON = ("PATH", "HOME", "http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy")
_UNKNOWN_SUITE = re.compile(r"repository '(\S+) (\S+) Release' does not have a Release file")
_NO_KEY = re.compile(r"NO_PUBKEY|The following signatures couldn't be verified|is not signed")
_NO_NETWORK = re.compile(
    r"Temporary failure resolving|Could not resolve|Could not connect|Cannot initiate the"
    r" connection|Connection timed out|Connection failed|Network is unreachable"
)

Notify = Callable[[str], None]  # gets a line for each phase


class NoMmdebstrap(NotFound):
    def __init__(self) -> None:
        super().__init__(
            "mmdebstrap, which makes Debian's root filesystems, is not installed",
            hint="install it: apt-get install mmdebstrap",
        )


class UnknownSuite(NotFound):
    def __init__(self, suite: str, mirror: str) -> None:
        super().__init__(
            f"there is no release {suite!r} at {mirror}",
            hint="names are those of the release, such as debian:bookworm or ubuntu:noble",
        )


class MirrorUnreachable(Unavailable):
    def __init__(self, line: str) -> None:
        super().__init__(
            f"the mirror cannot be reached: {line}",
            hint="look at the network, or name another mirror with --mirror",
        )


class KeyMissing(Unavailable):
    def __init__(self, keyring: str, line: str) -> None:
        package = keyring.removesuffix(".gpg")
        super().__init__(
            f"the mirror's signature cannot be verified: {line}",
            hint=f"bring the keys up to date: apt-get install {package}",
        )


class BootstrapFailed(Unavailable):
    def __init__(self, line: str) -> None:
        super().__init__(f"mmdebstrap failed: {line}")


def check_installed() -> None:
    """NoMmdebstrap, unless it can be run."""
    if shutil.which("mmdebstrap") is None:
        raise NoMmdebstrap


def root_archive(
    request: Request, plan: Plan, folder: Path, epoch: int, notify: Notify
) -> Iterator[bytes]:
    """The pieces of the root filesystem's tar, with no time in it later than `epoch`.

    `folder` is an empty one to work in. A failure is raised instead of the archive's end.
    """
    overlay = folder / "overlay"
    _write_overlay(overlay, plan)
    work = folder / "work"
    work.mkdir(mode=0o755)
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    process = subprocess.Popen(
        [*_NAMESPACES, *_command(request, plan, overlay)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment
        | {"TMPDIR": str(work), "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C.UTF-8"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    lines: deque[str] = deque(maxlen=_KEPT_LINES)
    reader = Thread(target=_read_lines, args=(process, lines, notify), daemon=True)
    reader.start()
    try:
        with process.stdin as sources:
            sources.write(plan.sources.encode())
        while piece := process.stdout.read(_PIECE):
            yield piece
        status = process.wait()
        reader.join()
        if status != 0:
            raise _failure(request, lines)
    finally:
        if process.poll() is None:
            process.kill()  # and with it, by --kill-child, all that it runs
            process.wait()
        process.stdout.close()


def _write_overlay(overlay: Path, plan: Plan) -> None:
    for name, file in plan.overlay.items():
        path = overlay / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(file.mode)
    for folder, _, _ in os.walk(overlay):
        os.chmod(folder, 0o755)


def _command(request: Request, plan: Plan, overlay: Path) -> list[str]:
    hooks = (f"sync-in {overlay} /", *plan.hooks)
    return [
        "mmdebstrap",
        *plan.options,
        # It would remove its own at the end; this one stays in the image.
        "--skip=chroot/policy-rc.d",
        f'--extract-hook=cp -p {overlay}/{POLICY} "$1/{POLICY}"',
        *(f"--customize-hook={hook}" for hook in hooks),
        request.suite,
        "-",  # the archive goes to standard output
        "-",  # the sources come from standard input
    ]


def _read_lines(process: "subprocess.Popen[bytes]", lines: "deque[str]", notify: Notify) -> None:
    assert process.stderr is not None
    with process.stderr as stream:
        for raw in stream:
            line = raw.decode(errors="replace").strip()
            lines.append(line)
            if phase := _PHASES.get(line.removeprefix("I: ").removesuffix("...")):
                notify(phase)


def _failure(
    request: Request, lines: "deque[str]"
) -> UnknownSuite | MirrorUnreachable | KeyMissing | BootstrapFailed:
    errors = [line for line in lines if line.startswith(("E:", "Err:", "W:"))] or [*lines]
    for line in errors:
        if match := _UNKNOWN_SUITE.search(line):
            unreachable = next((one for one in lines if _NO_NETWORK.search(one)), "")
            if unreachable:
                return MirrorUnreachable(_plain(unreachable))
            return UnknownSuite(request.suite, match[1])
    for line in lines:
        if _NO_KEY.search(line):
            return KeyMissing(request.distribution.keyring, _plain(line))
        if _NO_NETWORK.search(line):
            return MirrorUnreachable(_plain(line))
    fatal = [line for line in errors if line.startswith("E:") and "apt-get" not in line]
    return BootstrapFailed(_plain((fatal or errors or ["it said nothing"])[0]))


def _plain(line: str) -> str:
    return re.sub(r"^(E|W|Err):\d* ?", "", line).strip()
