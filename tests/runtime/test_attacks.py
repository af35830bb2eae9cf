"""Images and programs that try to get out while a container is made or entered.

Each is one of the known ways (the numbers are CVEs of other runtimes); what must hold is that the
host is as it was, and that the container starts inside its own root or not at all.
"""

import json
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from wherry.linux.cgroup.manager import open_manager
from wherry.testing.bundles import Bundle, Config
from wherry.testing.runtime_command import write_runtime_command

pytestmark = pytest.mark.needs("root", "containers")
CGROUP = f"/wherry-test-attacks-{os.getpid()}"


@pytest.fixture
def bundle() -> Iterator[Bundle]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        made = Bundle(str(write_runtime_command(Path(name))), Path(name), CGROUP)
        yield made
        made.delete()
        manager = open_manager(CGROUP)
        manager.signal_all(signal.SIGKILL)
        manager.wait_until_empty(5)
        manager.delete()


@pytest.fixture
def host(bundle: Bundle) -> Iterator[Path]:
    """A folder of the host that must stay as it is."""
    folder = bundle.folder / "host"
    folder.mkdir()
    (folder / "file").write_text("the host's")
    yield folder
    assert os.listdir(folder) == ["file"]
    assert (folder / "file").read_text() == "the host's"


def replace_with_link(path: Path, target: str | Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    path.symlink_to(target)


def up(target: Path) -> str:
    return "../" * 20 + str(target).lstrip("/")


@pytest.mark.parametrize("name", ["dev", "sys", "tmp"])
@pytest.mark.parametrize("relative", [False, True])
def test_a_mount_point_that_is_a_link_out(
    bundle: Bundle, host: Path, name: str, relative: bool
) -> None:
    replace_with_link(bundle.root / name, up(host) if relative else host)

    def mount(config: Config) -> None:
        config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
        config["linux"]["maskedPaths"] = []

    bundle.run("echo x >/tmp/x", mount, check=False)


@pytest.mark.parametrize("name", ["proc", "proc/self"])
def test_a_proc_that_is_a_link_is_refused(bundle: Bundle, host: Path, name: str) -> None:
    replace_with_link(bundle.root / "proc", host)

    result = bundle.run("echo ran", check=False)

    assert result.stdout == ""
    assert "must be mounted on an ordinary directory" in result.stderr


def test_a_bind_on_a_file_that_is_a_link_out(bundle: Bundle, host: Path) -> None:
    hosts = bundle.folder / "hosts"
    hosts.write_text("127.0.0.1 localhost")
    replace_with_link(bundle.root / "etc/hosts", host / "file")

    def mount(config: Config) -> None:
        config["mounts"].append(
            {"destination": "/etc/hosts", "source": str(hosts), "options": ["bind"]}
        )

    assert bundle.run("cat /etc/hosts", mount).stdout == "127.0.0.1 localhost"


def test_a_working_directory_behind_a_link_out(bundle: Bundle, host: Path) -> None:
    replace_with_link(bundle.root / "work", host)

    bundle.run("pwd", lambda config: config["process"].update(cwd="/work/made"), check=False)


@pytest.mark.parametrize("number", range(3, 12))
def test_a_working_directory_that_is_a_descriptor_of_the_host(bundle: Bundle, number: int) -> None:
    # CVE-2024-21626
    path = f"/proc/self/fd/{number}"

    result = bundle.run("ls", lambda config: config["process"].update(cwd=path), check=False)

    assert (result.stdout, result.returncode) == ("", 1)


def test_an_exec_in_a_working_directory_that_is_a_descriptor(bundle: Bundle) -> None:
    bundle.start()

    for number in range(3, 12):
        result = bundle("exec", "--cwd", f"/proc/self/fd/{number}", "one", "ls", check=False)
        assert (result.stdout, result.returncode) == ("", 1)


@pytest.mark.parametrize("own_dev", [False, True])
def test_a_null_device_that_is_none(bundle: Bundle, host: Path, own_dev: bool) -> None:
    # CVE-2025-31133: what a mask is made of could be a file of the image's choice.
    replace_with_link(bundle.root / "dev/null", host / "file")

    def mount(config: Config) -> None:
        if not own_dev:
            config["mounts"] = [
                m for m in config["mounts"] if not m["destination"].startswith("/dev")
            ]
        config["process"]["args"] = ["sh", "-c", "echo broken >/proc/keys; cat /proc/keys"]

    bundle.write(mount)
    result = bundle("run", "-b", str(bundle.path), "one", check=False)

    assert "host" not in result.stdout
    assert own_dev or "is not the null device" in result.stderr


def test_a_mount_point_swapped_while_the_container_is_made(bundle: Bundle, host: Path) -> None:
    # CVE-2021-30465
    place, other = bundle.root / "swapped", bundle.root / "other"
    place.mkdir()
    other.symlink_to(host)
    over = threading.Event()

    def swap() -> None:
        spare = bundle.root / "spare"
        while not over.is_set():
            with suppress(OSError):  # the runtime may have made the place anew
                place.rename(spare)
                other.rename(place)
            with suppress(OSError):
                place.rename(other)
                spare.rename(place)

    def mount(config: Config) -> None:
        config["mounts"] += [
            {"destination": f"/swapped/{number}", "type": "tmpfs", "source": "tmpfs"}
            for number in range(10)
        ]

    attacker = threading.Thread(target=swap)
    attacker.start()
    try:
        for _ in range(8):
            bundle.run("true", mount, check=False)
    finally:
        over.set()
        attacker.join()


# While it runs nobody can write to it (ETXTBSY); what is asked is whether one could afterwards.
IS_WRITABLE = """
import os
print("read-only" if os.statvfs("/proc/self/exe").f_flag & os.ST_RDONLY else "writable")
"""


def with_hosts_libraries(config: Config) -> None:
    config["mounts"] += [
        {"destination": inside, "source": source, "options": ["rbind", "ro"]}
        for inside, source in (("/usr", "/usr"), ("/lib", "/usr/lib"), ("/lib64", "/usr/lib64"))
    ]


@pytest.mark.parametrize("way", ["entry", "link", "interpreter"])
def test_the_hosts_interpreter_as_the_program(bundle: Bundle, way: str) -> None:
    # CVE-2019-5736: at that moment /proc/self/exe is the runtime's own program, on the host.
    script = bundle.root / "script"
    script.write_text(f"#!/proc/self/exe\n{IS_WRITABLE}")
    script.chmod(0o755)
    (bundle.root / "link").symlink_to("/proc/self/exe")
    words = {
        "entry": ["/proc/self/exe", "-c", IS_WRITABLE],
        "link": ["/link", "-c", IS_WRITABLE],
        "interpreter": ["/script"],
    }[way]

    def ask(config: Config) -> None:
        with_hosts_libraries(config)
        config["process"]["args"] = words

    bundle.write(ask)

    result = bundle("run", "-b", str(bundle.path), "one", check=False)

    assert result.stdout in ("", "read-only\n")


def test_an_exec_of_the_hosts_interpreter(bundle: Bundle) -> None:
    bundle.start(with_hosts_libraries)

    result = bundle("exec", "one", "/proc/self/exe", "-c", IS_WRITABLE, check=False)

    assert result.stdout in ("", "read-only\n")


def test_nothing_of_an_exec_is_seen_before_it_is_the_users(bundle: Bundle) -> None:
    # CVE-2016-9962: a process of the container looks at all others as fast as it can.
    spy = (
        "while :; do for p in /proc/[0-9]*; do case $p in /proc/1) ;; *)"
        " readlink $p/exe $p/cwd $p/fd/* ;; esac; done; done >>/seen 2>/dev/null"
    )
    bundle.start(lambda config: config["process"].update(args=["sh", "-c", spy]))

    for _ in range(10):
        bundle("exec", "one", "true")

    seen = set((bundle.root / "seen").read_text().split())
    assert not {path for path in seen if "python" in path or str(bundle.folder) in path}


@pytest.mark.parametrize("path", ["/a/../../b", "../../b", "a:../..:b"])
def test_a_cgroup_that_leads_upwards_is_refused(bundle: Bundle, path: str) -> None:
    def ask(config: Config) -> None:
        config["linux"]["cgroupsPath"] = path

    result = bundle.run("echo ran", ask, check=False)

    assert (result.stdout, result.returncode) == ("", 1)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("kind", ["pipe", "huge", "link", "folder", "device"])
def test_a_passwd_that_is_no_plain_file(bundle: Bundle, host: Path, kind: str) -> None:
    path = bundle.root / "etc/passwd"
    path.unlink()
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "huge":
            with path.open("wb") as file:
                file.truncate(1 << 40)
        case "link":
            path.symlink_to(host / "file")
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to("/dev/zero")

    assert bundle.run("echo $HOME").stdout == "/\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kernel.core_pattern", "core.evil"),
        ("kernel/../kernel/core_pattern", "core.evil"),
        ("net/../kernel/core_pattern", "core.evil"),
        ("net...kernel.core_pattern", "core.evil"),
        ("net/ipv4/../../../self/attr/current", "x"),
    ],
)
def test_settings_of_the_whole_machine_are_refused(bundle: Bundle, name: str, value: str) -> None:
    before = Path("/proc/sys/kernel/core_pattern").read_text()

    def ask(config: Config) -> None:
        config["linux"]["sysctl"] = {name: value}

    result = bundle.run("echo ran", ask, check=False)

    after = Path("/proc/sys/kernel/core_pattern").read_text()
    Path("/proc/sys/kernel/core_pattern").write_text(before)
    assert (result.stdout, result.returncode) == ("", 1)
    assert after == before


@pytest.mark.parametrize("place", ["/proc/sys", "/proc/self/attr", "/proc/self", "/proc/1"])
def test_a_mount_over_part_of_proc_is_refused(bundle: Bundle, place: str) -> None:
    # CVE-2019-16884, CVE-2025-52881: a label or a setting would be written elsewhere.
    def mount(config: Config) -> None:
        config["mounts"].append({"destination": place, "type": "tmpfs", "source": "tmpfs"})

    result = bundle.run("echo ran", mount, check=False)

    assert result.stdout == ""
    assert "inside /proc" in result.stderr


def test_a_terminal_that_is_a_link_out(bundle: Bundle, host: Path) -> None:
    # CVE-2025-52565
    def ask(config: Config) -> None:
        config["process"] |= {"terminal": True, "args": ["true"]}
        config["mounts"] = [
            m for m in config["mounts"] if m["destination"] not in ("/dev", "/dev/pts")
        ]

    (bundle.root / "dev/pts").mkdir(parents=True)
    (bundle.root / "dev/pts/ptmx").symlink_to(host / "file")
    bundle.write(ask)

    result = bundle("run", "-b", str(bundle.path), "one", check=False)

    assert result.returncode == 1
    assert json.dumps(result.stderr).count("\\n") == 1
