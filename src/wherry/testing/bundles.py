"""A bundle to edit and a runtime's command to run it: what runtimes are compared by."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wherry.testing.runtime_command import busybox_root

Config = dict[str, Any]


class Bundle:
    """A busybox root with a configuration, for `program`, whose states are kept beside it."""

    def __init__(self, program: str, folder: Path, cgroup: str) -> None:
        self.program = program
        self.folder = folder
        self.cgroup = cgroup
        self.path = folder / "bundle"
        self.root = self.path / "rootfs"
        busybox_root(self.root)
        for above in (folder, self.path, self.root):
            above.chmod(0o755)  # for users of other namespaces

    def write(self, edit: Callable[[Config], object] = lambda _config: None) -> None:
        """Write the configuration as `edit` has it."""
        config = example(self.cgroup)
        edit(config)
        (self.path / "config.json").write_text(json.dumps(config))

    def __call__(
        self, *words: str, check: bool = True, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [self.program, "--root", self.folder / "state", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            timeout=60,
            **options,
        )
        if check and result.returncode != 0:
            raise AssertionError(f"{self.program} {' '.join(words)}: {result.stderr}")
        return result

    def run(
        self,
        script: str,
        edit: Callable[[Config], object] = lambda _config: None,
        *,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell script in a container of its own."""

        def edited(config: Config) -> None:
            config["process"]["args"] = ["sh", "-c", script]
            edit(config)

        self.write(edited)
        return self("run", "-b", str(self.path), "one", check=check)

    def start(self, edit: Callable[[Config], object] = lambda _config: None) -> None:
        """Have a container that sleeps, called `one`."""
        self.write(edit)
        with (self.folder / "errors").open("w+") as errors:
            # Not through pipes: the container would hold them open.
            result = subprocess.run(
                [
                    *(self.program, "--root", self.folder / "state"),
                    *("run", "-d", "-b", self.path, "one"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                check=False,
            )
        assert result.returncode == 0, (self.folder / "errors").read_text()

    def delete(self) -> None:
        self("delete", "-f", "one", check=False)


def example(cgroup: str) -> Config:
    """A configuration as engines write them."""
    hidden = ["nosuid", "noexec", "nodev"]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "args": ["sleep", "1000"],
            "cwd": "/",
            "env": ["PATH=/bin"],
            "user": {"uid": 0, "gid": 0},
            "capabilities": {
                name: ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_SETGID", "CAP_SYS_CHROOT"]
                for name in ("bounding", "effective", "permitted")
            },
        },
        "root": {"path": "rootfs"},
        "hostname": "here",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": hidden},
            {
                "destination": "/dev",
                "type": "tmpfs",
                "source": "tmpfs",
                "options": ["nosuid", "mode=755", "size=64k"],
            },
            {
                "destination": "/dev/pts",
                "type": "devpts",
                "source": "devpts",
                "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
            },
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": [*hidden, "ro"]},
        ],
        "linux": {
            "cgroupsPath": cgroup,
            "namespaces": [
                {"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup")
            ],
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/sys/firmware"],
            "readonlyPaths": ["/proc/sys", "/proc/bus"],
        },
    }
