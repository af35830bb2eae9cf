"""`wherry create`, beside Docker's."""

from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("containers")


def test_a_created_container_does_not_run_until_it_is_started(wherry: Wherry) -> None:
    created = wherry("create", "--name", "made", "busybox", "echo", "hello").stdout.strip()

    assert len(created) == 64
    assert wherry("inspect", "-f", "{{.State.Status}}", "made").stdout.strip() == "created"
    assert wherry("start", "-a", "made").stdout == "hello\n"


def test_the_id_is_written_to_a_file_that_a_failure_leaves_no_trace_of(
    wherry: Wherry, tmp_path: Path
) -> None:
    created = wherry("create", "--cidfile", f"{tmp_path}/id", "busybox").stdout.strip()
    failed = wherry("create", "--cidfile", f"{tmp_path}/other", "nowhere", check=False)

    assert (tmp_path / "id").read_text() == created
    assert failed.returncode == 1
    assert not (tmp_path / "other").exists()


def test_quiet_leaves_out_what_is_said_of_a_missing_image(wherry: Wherry) -> None:
    loud = wherry("create", "nowhere", check=False).stderr
    quiet = wherry("create", "-q", "nowhere", check=False).stderr

    assert loud.startswith("Unable to find image 'nowhere:latest' locally\n")
    assert quiet
    assert "Unable to find image" not in quiet


@pytest.mark.parametrize(
    "words",
    [
        ["--pull", "sometimes", "busybox"],
        ["--rm", "--restart", "always", "busybox"],
        ["-e", "", "busybox"],
        ["-d", "busybox"],
        ["--pull", "never", "nowhere"],
        ["-m", "1k", "busybox"],
        ["--name", "a b", "busybox"],
        ["-v", "/tmp:/x:foo", "busybox"],
        ["--mount", "type=foo,dst=/x", "busybox"],
        ["--cidfile", "/nowhere/id", "busybox"],
        ["--platform", "nope/x/y/z", "busybox"],
        ["--volumes-from", "", "busybox"],
        ["-l", "a b=c", "busybox"],
        ["--security-opt", "seccomp=/etc/passwd", "busybox"],
        [],
    ],
    ids=" ".join,
)
def test_a_refusal_has_the_words_and_the_exit_code_of_docker(
    wherry: Wherry, dockerd: Dockerd, words: list[str]
) -> None:
    ours = wherry("create", *words, check=False)
    theirs = dockerd.docker("create", *words, check=False)

    expected = theirs.stderr.replace("Error response from daemon: ", "docker: ")
    # Docker's are without a prefix here.
    for lone in ("failed to create the container ID file", "error parsing specified platform"):
        expected = expected.replace(lone, f"docker: {lone}")
    without_hint = "".join(
        line for line in ours.stderr.splitlines(keepends=True) if not line.startswith("Hint: ")
    )
    assert without_hint == expected.replace("docker", "wherry")
    assert (ours.returncode, ours.stdout) == (theirs.returncode, "")


def test_inspect_shows_what_was_asked_for_as_docker_does(wherry: Wherry, dockerd: Dockerd) -> None:
    flags = ("--pull", "", "-w", "/a/../b//c/", "--isolation", "default")
    template = (
        "{{.Config.WorkingDir}} {{.HostConfig.Isolation}}"
        " {{json .HostConfig.MaskedPaths}} {{json .HostConfig.ReadonlyPaths}}"
    )
    shown = []
    for command in (wherry, dockerd.docker):
        command(
            *("create", "--name", "made", *flags, "--security-opt", "systempaths=unconfined"),
            "busybox",
        )
        shown.append(command("inspect", "-f", template, "made").stdout)
        command("rm", "made")
    assert shown == ["/b/c default [] []\n"] * 2


def test_the_folders_of_its_overlay_can_be_read(wherry: Wherry) -> None:
    script = "echo made > /made; sleep 100"
    wherry("run", "-d", "--name", "open", "--network", "none", "busybox", "sh", "-c", script)

    shown = "{{with .GraphDriver.Data}}{{.LowerDir}} {{.UpperDir}} {{.MergedDir}}{{end}}"
    lower, upper, merged = wherry("inspect", "-f", shown, "open").stdout.split()

    assert any(Path(folder, "bin/busybox").exists() for folder in lower.split(":"))
    eventually(Path(upper, "made").exists)
    assert Path(merged, "made").exists()
    assert Path(merged, "bin/busybox").exists()
