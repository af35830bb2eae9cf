"""RUN: its environment, heredocs, mounts and network, and how it fails."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.build.conftest import Files
from wherry.testing.command import Wherry
from wherry.testing.waiting import eventually

Context = Callable[[Files], Path]


def output_of(builder: Wherry, folder: Path, *words: str) -> str:
    """What the steps of a build print."""
    built = builder("build", "--progress=plain", *words, str(folder)).stderr
    lines = [line.split(" ", 2) for line in built.split("\n") if line.startswith("#")]
    return "\n".join(
        line[2] for line in lines if len(line) == 3 and line[1].replace(".", "").isdigit()
    )


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("RUN <<EOF\necho one\necho two\nEOF", "one\ntwo"),
        ("RUN <<EOF\n#!/bin/cat\ntext\nEOF", "#!/bin/cat\ntext"),
        ("RUN cat <<A && cat <<B\na\nA\nb\nB", "a\nb"),
        ("ARG X=1\nENV Y=2\nRUN echo $X$Y", "12"),
        ('RUN ["echo", "$HOME"]', "$HOME"),
        ('SHELL ["/bin/sh", "-f", "-c"]\nRUN echo /*', "/*"),
        ("USER 5:6\nRUN id -u && id -g", "5\n6"),
        ("WORKDIR /a/b\nRUN pwd", "/a/b"),
        ("RUN --network=none ls /sys/class/net", "lo"),
        ("RUN --mount=type=tmpfs,target=/t,size=64k df /t | tail -n 1 | cut -c 1-5", "tmpfs"),
        ("RUN --mount=type=bind,target=/c cat /c/file", "content"),
        ("RUN --mount=type=bind,target=/c touch /c/x || echo read-only", None),
        ("RUN --mount=type=bind,rw,target=/c echo x > /c/file && cat /c/file", "x"),
        ("RUN --mount=type=bind,from=busybox,source=/bin,target=/c ls /c/busybox", "/c/busybox"),
        (
            "RUN hostname; grep Cap /proc/self/status | grep -c 00000000a80425fb",
            "buildkitsandbox\n3",
        ),
    ],
)
def test_a_command_sees_what_it_is_given(
    dockerfile: str, expected: str | None, builder: Wherry, context: Context
) -> None:
    folder = context({"Dockerfile": f"FROM busybox\n{dockerfile}\n", "file": "content"})

    output = output_of(builder, folder)

    assert output.endswith("read-only") if expected is None else output == expected
    assert (folder / "file").read_text() == "content"


def test_nothing_is_left_in_the_image_of_what_was_mounted(
    builder: Wherry, context: Context
) -> None:
    folder = context(
        {
            "Dockerfile": """\
FROM busybox
RUN --mount=type=secret,id=key,target=/run/secrets/deep/key cat /run/secrets/deep/key
ENV KEY=the-image-s
RUN --mount=type=secret,id=key,env=KEY echo $KEY
RUN --mount=type=cache,target=/new/cache touch /new/cache/x
RUN --mount=type=tmpfs,target=/scratch touch /scratch/y
""",
            "key.txt": "hidden\n",
        }
    )
    secret = f"id=key,src={folder}/key.txt"

    output = output_of(builder, folder, "--secret", secret, "-t", "clean")

    assert output.count("hidden") == 2
    listing = builder(
        "run", "--rm", "clean", "sh", "-c", "ls / /run; find / -xdev -name key"
    ).stdout
    assert not {"run", "new", "scratch", "key"} & set(listing.split())
    history = builder("history", "--no-trunc", "clean").stdout
    assert "hidden" not in history


def test_a_secret_that_is_required_and_missing_is_told(builder: Wherry, context: Context) -> None:
    text = "FROM busybox\nRUN --mount=type=secret,id=key,required=true true\n"

    failed = builder("build", str(context({"Dockerfile": text})), check=False)

    assert failed.returncode == 1
    assert "failed to solve: secret key: not found" in failed.stderr
    assert "Hint: hand it in with --secret id=key" in failed.stderr


def test_a_cache_mount_stays_between_builds(builder: Wherry, context: Context) -> None:
    text = "FROM busybox\nRUN --mount=type=cache,target=/c,sharing=locked "
    text += "echo {0} >> /c/log; cat /c/log\n"
    folder = context({"Dockerfile": text.format("one")})
    builder("build", "-q", str(folder))
    context({"Dockerfile": text.format("two")})

    assert output_of(builder, folder) == "one\ntwo"

    assert "exec.cachemount" in builder("builder", "du", "--verbose").stdout


def test_a_failed_step_shows_its_log_its_lines_and_a_way_on(
    builder: Wherry, context: Context
) -> None:
    text = "FROM busybox\n\nRUN echo before; \\\n    exit 7\nRUN true\n"

    failed = builder("build", str(context({"Dockerfile": text})), check=False)

    assert failed.returncode == 1
    assert "------\n > [2/3] RUN echo before;     exit 7:\nbefore\n------\n" in failed.stderr
    assert "   3 | >>> RUN echo before; \\\n   4 | >>>     exit 7\n" in failed.stderr
    assert (
        'ERROR: failed to build: failed to solve: process "/bin/sh -c echo before;     exit 7"'
        " did not complete successfully: exit code: 7\n" in failed.stderr
    )
    assert "--on-error shell" in failed.stderr


def test_the_host_s_network_is_the_client_s_to_give(builder: Wherry, context: Context) -> None:
    text = "FROM busybox\nRUN --network=host ls /sys/class/net\n"
    folder = str(context({"Dockerfile": text}))

    refused = builder("build", folder, check=False)

    assert "failed to solve: network.host is not allowed\n" in refused.stderr
    for words in (("--allow", "network.host"), ("--network", "host")):
        assert builder("build", "-q", *words, folder).stdout.startswith("sha256:")


def test_a_device_that_must_be_there_is_missed(builder: Wherry, context: Context) -> None:
    text = "FROM busybox\nRUN --device=a.b/c=d true\nRUN --device=a.b/c,required true\n"

    failed = builder("build", "--progress=plain", str(context({"Dockerfile": text})), check=False)

    assert "device a.b/c=d is not registered: done without it" in failed.stderr
    assert 'failed to solve: required device "a.b/c" is not registered\n' in failed.stderr


def test_a_shell_is_had_in_what_a_failed_step_left(builder: Wherry, context: Context) -> None:
    folder = context({"Dockerfile": "FROM busybox\nRUN echo state > /left; false\n"})

    failed = builder(
        "build", "--on-error", "shell", str(folder), check=False, stdin=b"cat /left; exit\n"
    )

    assert failed.returncode == 1
    assert failed.stdout == "state\n"


def test_privileges_are_given_when_they_are_allowed(builder: Wherry, context: Context) -> None:
    folder = context(
        {"Dockerfile": "FROM busybox\nRUN --security=insecure mount -t tmpfs t /tmp && echo done\n"}
    )

    refused = builder("build", str(folder), check=False)
    assert "security.insecure is not allowed" in refused.stderr
    assert output_of(builder, folder, "--allow", "security.insecure") == "done"


def test_a_trigger_runs_in_the_next_build(builder: Wherry, context: Context) -> None:
    folder = context({"Dockerfile": "FROM busybox\nONBUILD RUN echo triggered\n"})
    builder("build", "-q", "-t", "base", str(folder))
    context({"Dockerfile": "FROM base\n"})

    assert output_of(builder, folder) == "triggered"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """A real agent with a key called `the key`; its socket."""
    socket = tmp_path / "agent.sock"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL, start_new_session=True
    )
    eventually(socket.exists, seconds=10, what="ssh-agent listens")
    key = str(tmp_path / "key")
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "the key", "-f", key]
    subprocess.run(words, check=True, capture_output=True)
    environment = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
    subprocess.run(["ssh-add", "-q", key], env=environment, check=True, capture_output=True)
    yield str(socket)
    process.terminate()
    process.wait()


@pytest.mark.needs("ssh-agent")
def test_an_agent_is_reached_by_whoever_the_step_runs_as(
    builder: Wherry, context: Context, agent: str, tmp_path: Path
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    ssh_add = shutil.which("ssh-add")
    assert ssh_add is not None
    listed = subprocess.run(["ldd", ssh_add], check=True, capture_output=True, text=True).stdout
    libraries = [word for word in listed.split() if word.startswith("/")]
    for path in (ssh_add, *libraries):
        shutil.copy(path, tools)
    loader = next(Path(path).name for path in libraries if "/ld-" in path)
    ask = f"/tools/{loader} --library-path /tools /tools/ssh-add -l"
    text = f"""\
FROM busybox
RUN --mount=type=ssh stat -c '%n %a %u:%g' $SSH_AUTH_SOCK
RUN --mount=type=ssh,id=other,target=/tmp/s,mode=0640,uid=5,gid=6 stat -c '%a %u:%g' /tmp/s
RUN --mount=type=ssh,id=none echo without: $SSH_AUTH_SOCK
RUN echo after: $SSH_AUTH_SOCK
RUN echo someone:x:5:6::/: >> /etc/passwd
USER 5
RUN --mount=type=bind,from=tools,target=/tools --mount=type=ssh,uid=5 {ask}; {ask}
RUN --mount=type=bind,from=tools,target=/tools --mount=type=ssh {ask} || true
"""
    folder = context({"Dockerfile": text})
    words = ("--build-context", f"tools={tools}", "--ssh", f"default={agent}")

    output = output_of(builder, folder, *words, "--ssh", f"other={agent}").splitlines()

    assert output[:4] == [
        "/run/buildkit/ssh_agent.0 600 0:0",
        "640 5:6",
        "without: /run/buildkit/ssh_agent.0",
        "after:",
    ]
    assert [line.endswith("the key (ED25519)") for line in output[4:6]] == [True, True]
    assert "Permission denied" in output[6]


def test_what_every_step_is_given_is_as_asked_for(builder: Wherry, context: Context) -> None:
    lines = (
        "RUN grep 'open files' /proc/self/limits | tr -s ' '",
        "RUN df /dev/shm | tail -n 1 | awk '{print $2}'",
        "RUN grep host.name /etc/hosts",
        "RUN cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max",
        "RUN ls /sys/class/net; env | grep -i -e proxy -e HOSTNAME | sort",
    )
    folder = context({"Dockerfile": "\n".join(("FROM busybox", *lines))})

    output = output_of(
        builder,
        folder,
        *("--ulimit", "nofile=1000:2000", "--shm-size", "32m", "--add-host", "host.name:1.2.3.4"),
        *("-m", "100m", "--network", "none", "--build-arg", "http_proxy=http://p"),
    )

    assert [line.strip() for line in output.splitlines()] == [
        "Max open files 1000 2000 files",
        "32768",
        "1.2.3.4\thost.name",
        "104857600",
        "lo",
        "HTTP_PROXY=http://p",
        "http_proxy=http://p",
    ]


def test_documents_of_a_copy_are_files(builder: Wherry, context: Context) -> None:
    text = """\
FROM busybox
ARG WHO=world
COPY <<one <<"two" /d/
hello $WHO
one
hello $WHO
two
ADD --chmod=0700 --chown=3:4 <<-one /own
\ttabbed
\tone
RUN cat /d/one /d/two /own; stat -c '%a %u:%g' /d/one /own
"""
    output = output_of(builder, context({"Dockerfile": text}))

    assert output.splitlines() == ["hello world", "hello $WHO", "tabbed", "644 0:0", "700 3:4"]
