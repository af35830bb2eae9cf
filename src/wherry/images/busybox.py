"""A root filesystem made from the machine's own static busybox."""

import os
import shutil
import subprocess
from pathlib import Path

from wherry.errors import InvalidArgument, NotFound

PLACES = ("/bin/busybox", "/usr/bin/busybox", "/sbin/busybox", "/usr/local/bin/busybox")
_FOLDERS = ("bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr", "var")
_PASSWD = (
    "root:x:0:0:root:/root:/bin/sh\n"
    "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
    "www-data:x:33:33:www-data:/var/www:/bin/false\n"
    "nobody:x:65534:65534:nobody:/home:/bin/false\n"
)
_GROUP = "root:x:0:\ndaemon:x:1:\nmail:x:8:\nwww-data:x:33:\nnogroup:x:65534:\n"
_MORE_FOLDERS = ("usr/bin", "usr/sbin", "var/spool", "var/www")
_ELF = b"\x7fELF"
_INTERPRETER = 3  # PT_INTERP, elf(5): the loader that a dynamic program asks for


class NoStaticBusybox(NotFound):
    def __init__(self, reason: str) -> None:
        super().__init__(reason, hint="install one: apt-get install busybox-static")


def find_busybox() -> Path:
    """The machine's static busybox, or NoStaticBusybox."""
    found = [Path(place) for place in PLACES if os.access(place, os.X_OK)]
    if not found:
        raise NoStaticBusybox("there is no busybox on this machine")
    for path in found:
        if is_static(path):
            return path
    raise NoStaticBusybox(f"{found[0]} is linked dynamically and cannot run by itself")


def is_static(path: Path) -> bool:
    """Whether the ELF program at `path` needs no loader."""
    with path.open("rb") as file:
        head = file.read(64)
        if head[:4] != _ELF or head[4] != 2:  # 64 bits, as all that we run on
            return False
        offset = int.from_bytes(head[32:40], "little")
        size, count = (int.from_bytes(head[at : at + 2], "little") for at in (54, 56))
        file.seek(offset)
        headers = file.read(size * count)
    kinds = (headers[at : at + 4] for at in range(0, len(headers), size))
    return all(int.from_bytes(kind, "little") != _INTERPRETER for kind in kinds)


def fill_root(root: Path, busybox: Path) -> int:
    """Make a root filesystem in the empty folder `root`; the time that all of it carries.

    The same program gives the same tree to the nanosecond, and with that the same image ID.
    """
    for name in (*_FOLDERS, *_MORE_FOLDERS):
        (root / name).mkdir()
        (root / name).chmod(0o755)
    (root / "root").chmod(0o700)
    (root / "tmp").chmod(0o1777)
    shutil.copyfile(busybox, root / "bin" / "busybox")
    (root / "bin" / "busybox").chmod(0o755)
    for name in _applets(busybox):
        if name != "busybox":
            (root / "bin" / name).symlink_to("busybox")
    for name, text in (("passwd", _PASSWD), ("group", _GROUP)):
        (root / "etc" / name).write_text(text)
        (root / "etc" / name).chmod(0o644)
    moment = busybox.stat().st_mtime_ns // 10**9 * 10**9
    for folder, names, files in os.walk(root, topdown=False):
        for name in (*names, *files):
            os.utime(os.path.join(folder, name), ns=(moment, moment), follow_symlinks=False)
    os.utime(root, ns=(moment, moment))
    return moment


def _applets(busybox: Path) -> list[str]:
    result = subprocess.run(
        [busybox, "--list"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    names = result.stdout.split()
    if result.returncode != 0 or not names:
        raise InvalidArgument(f"{busybox} --list failed: {result.stderr.strip()}")
    return names
