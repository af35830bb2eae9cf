"""`wherry cp`, beside Docker's over a table of cases, and what only we promise."""

import io
import os
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd

pytestmark = pytest.mark.needs("containers")

INTO = """
file cp:/
file cp:/named
file cp:/nodir/
file cp:/nodir/x
file cp:/etc/passwd/
file cp:rel
file cp:rel/x
file cp:
file cp:/tmp/.
file/ cp:/
nofile cp:/
nodir/ cp:/
dir cp:/etc/passwd
dir cp:/etc/passwd/
dir cp:/new
dir/ cp:/new-slash
dir/. cp:/new-content
dir cp:/new
dir/. cp:/new
dir cp:/new/.
dir cp:/nodir/x
flink cp:/l1
-L flink cp:/l2
-L flink cp:/
dlink cp:/l3
dlink/ cp:/l4
dlink/. cp:/l5
-L dlink cp:/l6
-L dlink cp:/
dangling cp:/
-L dangling cp:/
loop cp:/
-L loop cp:/l7
loop/x cp:/
loop/ cp:/
file cp:/loop/
file cp:/loop
pipe cp:/
file cp:/pipe
new cp:/
file cp:/l3
file cp:/ro
file cp:/ro/x
file cp:/vol
dir cp:/vol/sub
-a file cp:/owned
file cp:/new/a
- cp:/etc/passwd
- cp:/nowhere
- cp:/tmp
dir cp:/made/
file cp:/made/here
file nope:/
""".strip().splitlines()
OUT = """
cp:/src/file out
cp:/src/file out/
cp:/src/file nodir/
cp:/src/file nodir/x
cp:/src/dir out
cp:/src/dir new
cp:/src/dir/ new2
cp:/src/dir/. new3
cp:/src/dir/. out
cp:/src/dir file
cp:/src/file file
cp:/src/flink l1
-L cp:/src/flink l2
-L cp:/src/flink out
cp:/src/dlink l3
cp:/src/dlink/ l4
cp:/src/dlink/. l5
-L cp:/src/dlink l6
-L cp:/src/dlink out
cp:/src/dangling l7
-L cp:/src/dangling l8
cp:/nowhere out
cp:/vol/kept v
cp:/vol out
cp:/src/file link-to-out
cp:/src/file dangling-here
cp:/src/file loop
cp:/src/file loop/
cp:/src/dir loop
cp:/src/file loop/x
cp:/src/file file/x
cp:/src/file pipe
cp:/src/pipe l9
cp:/src/file other
cp: out
nope:/x out
out out
cp:/x cp:/y
cp:/src/file /dev/null
""".strip().splitlines()
MAKE = (
    "mkdir -p /src/dir/sub; echo f >/src/file; chmod 640 /src/file; chown 12:34 /src/file;"
    "echo a >/src/dir/a; ln /src/dir/a /src/dir/sub/hard; ln -s file /src/flink;"
    "ln -s dir /src/dlink; ln -s nowhere /src/dangling; echo k >/vol/kept;"
    "mkfifo /src/pipe; touch -d @1000000000 /src/file /src/dir /src/dir/a; sleep 1000"
)
LIST = "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /bin \\) -prune -o "
LIST += "-exec stat -c '%A %u:%g %n %Y' {} + -exec readlink {} \\; ; find /vol /ro -type f"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dir/sub").mkdir(parents=True)
    (tmp_path / "file").write_text("f\n")
    (tmp_path / "dir/a").write_text("a\n")
    os.link(tmp_path / "dir/a", tmp_path / "dir/sub/hard")
    for link, target in (("flink", "file"), ("dlink", "dir"), ("dangling", "nowhere")):
        (tmp_path / link).symlink_to(target)
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "new").write_text("n")
    os.chown(tmp_path / "file", 1234, 5678)
    (tmp_path / "file").chmod(0o640)
    for name in ("file", "dir/a", "dir/sub", "dir"):
        os.utime(tmp_path / name, (1_000_000_000, 1_000_000_000))
    return tmp_path


Both = list[tuple[str, Callable[..., "subprocess.CompletedProcess[str]"]]]


@pytest.fixture(params=["running", "stopped"])
def both(request: pytest.FixtureRequest, wherry: Wherry, dockerd: Dockerd) -> Iterator[Both]:
    """A container `cp` with both engines, and how to call them."""

    def docker(
        *words: str, check: bool = True, stdin: bytes | None = None
    ) -> "subprocess.CompletedProcess[str]":
        return dockerd.docker(*words, check=check, stdin=stdin)

    commands: Both = [("wherry", wherry), ("docker", docker)]
    mounts = ("-v", "cpvol:/vol", "-v", "cpro:/ro:ro")
    for _, command in commands:
        command("create", "--name", "cp", "--network", "none", *mounts, "busybox", "sh", "-c", MAKE)
        command("start", "cp")
        command("exec", "cp", "sh", "-c", "until [ -e /vol/kept ]; do :; done")
        if request.param == "stopped":
            command("kill", "cp")
    yield commands
    dockerd.docker("rm", "-f", "cp")
    dockerd.docker("volume", "rm", "cpvol", "cpro")


def said(result: "subprocess.CompletedProcess[str]", folder: Path) -> tuple[int, str]:
    """The exit code and what was said, without prefixes and the noise of Docker's client."""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("time=")]
    text = "\n".join(lines).replace(str(folder), "FOLDER")
    text = re.sub(r"^(wherry: )?(Error response from daemon: )?", "", text)
    text = re.sub(r"Error processing tar file\(exit status 1\): ", "", text)
    return result.returncode, text.replace("pathcannot", "path cannot")


def test_copies_into_a_container_are_docker_s(
    both: Both, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    answers: dict[str, list[tuple[int, str]]] = {}
    trees = {}
    tar = tar_of("from-tar", b"x")
    for name, command in both:
        answers[name] = [
            said(command("cp", *words.split(), check=False, stdin=tar), folder) for words in INTO
        ]
        command("start", "cp", check=False)
        trees[name] = files_in(command)

    for words, ours, theirs in zip(INTO, answers["wherry"], answers["docker"], strict=True):
        assert ours == theirs, words
    assert trees["wherry"] == trees["docker"]


def files_in(command: Callable[..., "subprocess.CompletedProcess[str]"]) -> list[str]:
    """Every file that the cases may have touched, with its mode and owner; not what images have."""
    text = command("exec", "cp", "sh", "-c", LIST).stdout
    ignored = re.compile(r" /(|etc.*|home|root|usr.*|var.*|src.*|\.dockerenv|tmp|vol|ro) \d+$")
    kept = [line for line in text.splitlines() if not ignored.search(line)]
    assert kept
    # Directories that an archive was unpacked in have the time of that.
    return sorted(re.sub(r" 1[1-9]\d{8}$", " now", line) for line in kept)


def test_copies_out_of_a_container_are_docker_s(
    both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: dict[str, list[tuple[int, str]]] = {}
    trees = {}
    for name, command in both:
        here = tmp_path / name
        (here / "out").mkdir(parents=True)
        (here / "file").write_text("old")
        (here / "link-to-out").symlink_to("out")
        (here / "dangling-here").symlink_to("made-there")
        (here / "loop").symlink_to("loop")
        (here / "other/file").mkdir(parents=True)
        os.mkfifo(here / "pipe")
        monkeypatch.chdir(here)
        answers[name] = [said(command("cp", *words.split(), check=False), here) for words in OUT]
        trees[name] = listing(here)

    for words, ours, theirs in zip(OUT, answers["wherry"], answers["docker"], strict=True):
        assert ours == theirs, words
    assert trees["wherry"] == trees["docker"]


def listing(folder: Path) -> list[str]:
    found = []
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        time = "" if status.st_mtime > 1_100_000_000 else int(status.st_mtime)
        target = os.readlink(path) if path.is_symlink() else ""
        owner = f"{status.st_uid}:{status.st_gid}"
        found.append(f"{path.relative_to(folder)} {status.st_mode:o} {owner} {time} {target}")
    return found


def test_the_working_directory_is_there_before_the_first_start(
    wherry: Wherry, dockerd: Dockerd, tmp_path: Path
) -> None:
    for command in (wherry, dockerd.docker):
        command("create", "--name", "cp", "-w", "/made/here", "busybox", "cat", "before")
        (tmp_path / "before").write_text("copied\n")
        command("cp", f"{tmp_path}/before", "cp:/made/here/")
        try:
            assert command("start", "-a", "cp").stdout == "copied\n"
        finally:
            command("rm", "cp")


def test_an_archive_streams_out_with_docker_s_names(both: Both) -> None:
    for path in ("/src/dir", "/src/dir/", "/src/dir/.", "/src/file", "/src/flink", "/vol"):
        names = [
            sorted(
                subprocess.run(
                    ["tar", "-t"],
                    input=command("cp", f"cp:{path}", "-").stdout.encode(errors="surrogateescape"),
                    capture_output=True,
                    check=True,
                ).stdout.split()
            )
            for _, command in both
        ]
        assert names[0] == names[1], path


def test_what_was_copied_belongs_to_the_container_s_user_with_a(wherry: Wherry) -> None:
    wherry("create", "--name", "mine", "-u", "33:7", "busybox", "sleep", "1000")

    wherry("cp", "-a", "-", "mine:/tmp", stdin=tar_of("given", b"x"))

    wherry("start", "mine")
    assert wherry("exec", "mine", "stat", "-c", "%u:%g", "/tmp/given").stdout == "33:7\n"


@pytest.mark.parametrize("state", ["running", "created"])
def test_a_read_only_root_takes_files_in_volumes_alone(wherry: Wherry, state: str) -> None:
    words = ("--name", "fixed", "--read-only", "-v", "data:/data", "busybox", "sleep", "1000")
    wherry("create", *words)
    if state == "running":
        wherry("start", "fixed")

    refused = wherry("cp", "/etc/passwd", "fixed:/tmp", check=False)
    wherry("cp", "/etc/hostname", "fixed:/data/")

    assert refused.stderr == "wherry: container rootfs is marked read-only\n"
    copied = wherry("cp", "fixed:/data/hostname", "-").stdout
    assert copied.startswith("hostname\0")


@pytest.mark.parametrize("state", ["running", "created"])
def test_no_link_of_a_container_leads_out_of_it(wherry: Wherry, tmp_path: Path, state: str) -> None:
    evil = f"../../../../../../../..{tmp_path}"
    wherry("create", "--name", "evil", "busybox", "sleep", "1000")
    wherry("cp", "-", "evil:/", stdin=tar_of("evil", evil))
    if state == "running":
        wherry("start", "evil")
    (tmp_path / "secret").write_text("secret")

    into = wherry("cp", "/etc/hostname", "evil:/evil/", check=False)
    out = wherry("cp", "evil:/evil/secret", "-", check=False)

    assert into.returncode == out.returncode == 1
    assert os.listdir(tmp_path) == ["secret"]


def test_what_is_mounted_in_a_local_folder_is_copied_too(wherry: Wherry, tmp_path: Path) -> None:
    wherry("create", "--name", "whole", "busybox")
    (tmp_path / "folder/mounted").mkdir(parents=True)
    script = (
        'mount -t tmpfs tmpfs "$1/folder/mounted"; echo x >"$1/folder/mounted/file"; shift; "$@"'
    )
    copy = wherry.command("cp", f"{tmp_path}/folder", "whole:/")
    subprocess.run(
        ["unshare", "-m", "sh", "-ec", script, "sh", str(tmp_path), *copy],
        env=wherry.environment,
        check=True,
    )

    copied = wherry("cp", "whole:/folder", "-").stdout

    assert "folder/mounted/file" in copied


def test_a_member_of_a_stream_cannot_climb_out(wherry: Wherry, tmp_path: Path) -> None:
    wherry("create", "--name", "climb", "busybox")

    result = wherry("cp", "-", "climb:/tmp", stdin=tar_of("../../x", b"x"), check=False)

    assert result.returncode == 1
    assert "outside" in result.stderr
    assert not (tmp_path / "x").exists()


def test_nothing_of_a_copy_into_a_stopped_container_stays_mounted(wherry: Wherry) -> None:
    wherry("create", "--name", "quiet", "-v", "data:/data", "busybox")
    before = Path("/proc/self/mountinfo").read_text()

    wherry("cp", "/etc/hostname", "quiet:/data/")

    assert Path("/proc/self/mountinfo").read_text() == before
    assert not list((wherry.run_folder / "containers").glob("*"))


def tar_of(name: str, content: bytes | str) -> bytes:
    """An archive of one file, or of one link where the content is a text."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo(name)
        if isinstance(content, str):
            member.type, member.linkname = tarfile.SYMTYPE, content
            tar.addfile(member)
        else:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
