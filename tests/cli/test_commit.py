"""`wherry commit`, beside Docker's."""

import json
import re
from collections.abc import Callable

import pytest

from wherry.engine.engine import Engine
from wherry.store.images import find_image
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.sides import Side

pytestmark = pytest.mark.needs("containers")
SHOWN = (
    *("User", "ExposedPorts", "Env", "Cmd", "Healthcheck", "Volumes", "WorkingDir"),
    *("Entrypoint", "Labels", "StopSignal", "OnBuild"),
)


def image_of(wherry: Wherry, name: str) -> dict[str, object]:
    """The stored configuration document."""
    store = Engine(wherry.root, wherry.run_folder).store
    document: dict[str, object] = json.loads(find_image(store.database.connection, name).document)
    return document


@pytest.mark.parametrize(
    ("create", "commit"),
    [
        ([], []),
        (["-e", "A=1", "-w", "/tmp", "-u", "5", "-l", "x=y", "--expose", "80"], []),
        (["-v", "/vv", "--health-cmd", "true", "--stop-signal", "INT"], []),
        (["--entrypoint", "sh"], ["-a", "me <m@e>", "-m", "why"]),
        (["-e", "A=1"], ["-c", "ENV A=2 B=$A", "-c", 'CMD ["x"]', "-c", "EXPOSE 53/udp"]),
        ([], ["-c", "LABEL a=b", "-c", "ENTRYPOINT top", "-c", "ONBUILD RUN true"]),
        ([], ["-c", "VOLUME /a /b", "-c", "WORKDIR rel", "-c", "USER 3:4"]),
    ],
)
def test_the_image_has_the_configuration_docker_gives_it(
    wherry: Wherry, dockerd: Dockerd, create: list[str], commit: list[str]
) -> None:
    for command in (wherry, dockerd.docker):
        command("create", "--name", "made", *create, "busybox", "-c", "true")
        command("commit", *commit, "made", "made:latest")
    ours = image_of(wherry, "made")
    theirs = json.loads(dockerd.docker("inspect", "made:latest").stdout)[0]
    dockerd.docker("rm", "-v", "made")
    dockerd.docker("rmi", "made")

    config = ours["config"]
    assert isinstance(config, dict)
    wanted = {key: value for key in SHOWN if (value := theirs["Config"].get(key))}
    # The daemon's busybox is without the PATH that ours has in its environment.
    path = [one for one in config["Env"] if one.startswith("PATH=")]
    wanted["Env"] = [*wanted.get("Env", []), *path]
    config["Env"] = sorted(config["Env"])
    wanted["Env"].sort()
    assert config == wanted
    assert ours.get("author", "") == theirs["Author"]
    assert ours.get("comment", "") == theirs["Comment"]
    history = ours["history"]
    assert isinstance(history, list)
    assert history[-1]["created_by"] == "-c true"


@pytest.mark.parametrize(
    "words",
    [
        ["made", "Bad"],
        ["-c", "FROM x", "made"],
        ["-c", "foo", "made"],
        ["nowhere"],
        ["made", "x@sha256:" + "a" * 64],
        ["made", "a", "b"],
    ],
    ids=" ".join,
)
def test_a_refusal_has_docker_s_words(wherry: Wherry, dockerd: Dockerd, words: list[str]) -> None:
    def said(command: Callable[..., object]) -> tuple[int, str]:
        result = command("commit", *words, check=False)
        text = str(getattr(result, "stderr", "")).replace("docker", "wherry")
        text = re.sub(r"^(wherry: )?(Error response from daemon: )?", "", text)
        return int(getattr(result, "returncode", -1)), text

    wherry("create", "--name", "made", "busybox")
    dockerd.docker("create", "--name", "made", "busybox")
    ours, theirs = said(wherry), said(dockerd.docker)
    dockerd.docker("rm", "made")

    assert ours == theirs


def test_a_container_of_the_image_finds_what_was_changed(wherry: Wherry) -> None:
    script = "echo hi >/new; rm /etc/group; rm -r /var; mkdir /var; echo x >/var/only"
    wherry("run", "--name", "made", "--network", "none", "busybox", "sh", "-c", script)

    printed = wherry("commit", "made", "made").stdout.strip()
    found = wherry("run", "--rm", "--network", "none", "made", "sh", "-c", "cat /new; ls /etc /var")

    assert re.fullmatch("sha256:[0-9a-f]{64}", printed)
    assert found.stdout == "hi\n/etc:\nhostname\nhosts\nmtab\npasswd\nresolv.conf\n\n/var:\nonly\n"


def test_a_container_that_changed_no_file_adds_no_layer(it: Side) -> None:
    layers = ("image", "inspect", "-f", "{{.RootFS.Layers}}")
    it("run", "--name", "made", "--network", "none", "busybox", "true")

    it("commit", "made", "made")

    assert it(*layers, "made") == it(*layers, "busybox")
    shown = it("history", "--format", "{{.CreatedBy}} {{.Size}}", "made").stdout
    assert shown.startswith("true 0B\n")
    it("rm", "made")
    assert it("rmi", "made").stdout.count("Deleted: ") == 1


@pytest.mark.parametrize(("flags", "pauses"), [([], 1), (["--no-pause"], 0), (["-p=false"], 0)])
def test_what_runs_stands_still_meanwhile(wherry: Wherry, flags: list[str], pauses: int) -> None:
    made = wherry("run", "-d", "--name", "busy", "--network", "none", "busybox", "sleep", "1000")

    wherry("commit", *flags, "busy")

    mine = f"container={made.stdout.strip()}"
    events = wherry("events", "--since", "10m", "--until", "0s", "-f", mine).stdout
    assert events.count("container pause") == events.count("container unpause") == pauses
    assert events.count("container commit") == 1
    assert wherry("inspect", "-f", "{{.State.Status}}", "busy").stdout == "running\n"
