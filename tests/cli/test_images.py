"""images, rmi, tag, history and prune beside docker's, on the same images."""

import json
import re
from collections.abc import Callable, Iterator

import pytest

from wherry.testing.archives import config_of, digest, old_archive, tar
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd

pytestmark = pytest.mark.needs("containers")

LAYERS = [tar({"a": b"first"}), tar({"b": b"second" * 1000})]
APP = digest(config_of(LAYERS))
Both = Callable[..., str]


def clean(run: Callable[..., object], names: str) -> None:
    for name in names.split("\n"):
        if name and not name.startswith("busybox:latest "):
            run("rmi", "-f", name.split()[1] if "<none>" in name else name.split()[0])


@pytest.fixture
def both(wherry: Wherry, dockerd: Dockerd) -> Iterator[Both]:
    """Run the same words with both, who have the same images; what both print and exit with."""
    sides = (wherry, dockerd.docker)
    for run in sides:
        run("load", stdin=old_archive(LAYERS, "app:1", "app:2", "reg.io/team/app:1"))
        run("load", stdin=old_archive(LAYERS[:1], "base:1"))

    def compare(*words: str, stdin: bytes | None = None) -> str:
        ours, theirs = (run(*words, check=False, stdin=stdin) for run in sides)
        said = [
            re.sub("wherry: |docker: |Error response from daemon: ", "", result.stderr)
            .replace("docker", "wherry")
            .lower()
            for result in (ours, theirs)
        ]
        assert (ours.stdout, said[0], ours.returncode) == (
            theirs.stdout,
            said[1],
            theirs.returncode,
        )
        return ours.stdout + ours.stderr

    yield compare
    for run in sides:
        names = run("ps", "-aq").stdout.split()
        if names:
            run("rm", "-f", *names)
        clean(run, run("images", "-a", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").stdout)


def without_busybox(text: str) -> list[str]:
    """Lines in one order, for tags of one image come in any from a Docker daemon."""
    return sorted(line for line in text.splitlines() if not re.search("busybox|latest", line))


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--no-trunc",),
        ("--digests",),
        ("app",),
        ("app:2",),
        ("reg.io/team/app",),
        ("nope",),
        ("-f", "dangling=false"),
        ("-f", "reference=*/*/app"),
        ("-f", "reference=app:*"),
        ("-f", "reference=app", "-f", "reference=base"),
        ("-f", "since=busybox"),
        ("-f", "before=app:1"),
        ("-f", "label=x"),
        ("--format", "{{.ID}} {{.Repository}}@{{.Digest}} {{.Size}} {{.CreatedAt}}"),
        ("--format", "table {{.Tag}}\t{{.CreatedSince}}\t{{.VirtualSize}}\t{{.SharedSize}}"),
    ],
    ids=" ".join,
)
def test_lists(both: Both, wherry: Wherry, dockerd: Dockerd, words: tuple[str, ...]) -> None:
    ours, theirs = (run("images", *words).stdout for run in (wherry, dockerd.docker))

    # Which busybox there is, and so how wide a column may be, differs.
    assert [line.split() for line in without_busybox(ours)] == [
        line.split() for line in without_busybox(theirs)
    ]


def test_as_json(both: Both, wherry: Wherry, dockerd: Dockerd) -> None:
    words = ("images", "--format", "json", "base:1")
    ours, theirs = (json.loads(run(*words).stdout) for run in (wherry, dockerd.docker))
    assert ours == theirs


@pytest.mark.parametrize(
    "words",
    [
        ("images", "-q", "base"),
        ("images", "-f", "dangling=maybe"),
        ("images", "-f", "foo=1"),
        ("images", "-f", "since=nope"),
        ("history", "app:1"),
        ("history", "--no-trunc", "app:1"),
        ("history", "-q", "app:1"),
        ("history", "-H=false", "app:1"),
        ("history", "--format", "{{json .}}", "base:1"),
        ("history", "nope"),
        ("tag", "nope", "x"),
        ("tag", "app:1", "UPPER"),
        ("tag", "app:1", "a@sha256:" + "0" * 64),
        ("rmi", "nope"),
        ("rmi", "-f", "nope"),
        ("rmi", "-f", "nope", "app:1"),
        ("rmi", "app:1", "nope", "app:2"),
        ("rmi", APP),
        ("rmi", APP[7:19]),
        ("rmi", "base:1"),
        ("image", "prune", "--filter", "foo=1", "-f"),
        ("image", "inspect", "-f", "{{.Id}} {{.RootFS.Layers}} {{.Config.Cmd}}", "app:1"),
        ("inspect", "--type", "image", "-f", "{{.Id}} {{len .RepoTags}}", "app:1"),
    ],
    ids=lambda words: " ".join(words)[:50],
)
def test_answers_are_dockers(both: Both, words: tuple[str, ...]) -> None:
    assert both(*words)


def test_the_last_name_takes_the_image_along(both: Both) -> None:
    both("rmi", "app:1")
    both("rmi", "app:2")
    assert f"Deleted: {APP}" in both("rmi", "reg.io/team/app:1")
    both("rmi", APP)


def test_an_id_takes_the_only_name_along(both: Both) -> None:
    both("rmi", "app:1", "app:2")

    assert "Untagged: reg.io/team/app:1" in both("rmi", APP[7:17])


def test_an_id_with_several_names_is_forced(both: Both) -> None:
    assert "(must be forced) - image is referenced in multiple repositories" in both("rmi", APP)

    assert "Deleted" in both("rmi", "-f", APP)


def use(run: Callable[..., object], *, running: bool) -> None:
    words = ("--network", "none", "--name", "user", "busybox", "sleep" if running else "true")
    run("run", "-d", *words, *(["1000"] if running else []))
    if not running:
        run("wait", "user")


@pytest.mark.parametrize("running", [True, False])
def test_images_of_containers_stay(wherry: Wherry, dockerd: Dockerd, running: bool) -> None:
    """The same busybox on both sides, so that even IDs of images agree."""
    archive = wherry("save", "busybox").stdout.encode("utf-8", "surrogateescape")
    dockerd.docker("tag", "busybox", "before:1")
    dockerd.docker("load", stdin=archive)
    identifier = wherry("images", "-q", "--no-trunc", "busybox").stdout.strip()
    sides = (wherry, dockerd.docker)
    try:
        for run in sides:
            use(run, running=running)
        for words in (
            ("rmi", "busybox"),
            ("rmi", identifier),
            ("rmi", "-f", identifier) if running else ("images", "-q", "busybox"),
            ("image", "prune", "-a", "-f", "--filter", "until=1h"),
            ("rmi", "-f", "busybox"),
            ("images", "-q", "-f", "dangling=true"),
        ):
            said = []
            for run in sides:
                result = run(*words, check=False)
                text = re.sub("container [0-9a-f]{12}", "container ID", result.stderr)
                text = re.sub("wherry: |Error response from daemon: ", "", text)
                said.append((result.returncode, result.stdout, text))
            assert said[0] == said[1]
    finally:
        for run in sides:
            run("rm", "-f", "user")
        wherry("load", stdin=archive)
        dockerd.docker("tag", "before:1", "busybox")
        dockerd.docker("rmi", "before:1")
        dockerd.docker("rmi", "-f", identifier, check=False)


def test_pruning(both: Both) -> None:
    both("tag", "base:1", "app:1")
    both("tag", "base:1", "app:2")
    both("tag", "base:1", "reg.io/team/app:1")

    assert both("images", "-q", "-f", "dangling=true").strip() == APP[7:19]
    both("image", "prune", stdin=b"n\n")
    assert f"deleted: {APP}" in both("image", "prune", "-f")
    assert both("image", "prune", "-f") == "Total reclaimed space: 0B\n"


def test_pruning_all(both: Both, wherry: Wherry, dockerd: Dockerd) -> None:
    for run in (wherry, dockerd.docker):
        use(run, running=True)  # so that busybox stays
    found = [
        set(run("image", "prune", "-a", "-f", "--filter", "label!=x").stdout.splitlines())
        for run in (wherry, dockerd.docker)
    ]
    assert found[0] == found[1]
    assert "untagged: base:1" in found[0]


def test_system_prune_asks_first(wherry: Wherry) -> None:
    result = wherry("system", "prune", "-a", "--volumes", "--filter", "label=x", stdin=b"n\n")

    assert result.stdout == (
        "WARNING! This will remove:\n"
        "  - all stopped containers\n"
        "  - all networks not used by at least one container\n"
        "  - all anonymous volumes not used by at least one container\n"
        "  - all images without at least one container associated to them\n"
        "\n"
        "  Items to be pruned will be filtered with:\n"
        "  - label=x\n"
        "\n"
        "Are you sure you want to continue? [y/N] "
    )


def test_system_prune_takes_containers_and_images(wherry: Wherry) -> None:
    wherry("load", stdin=old_archive(LAYERS))
    use(wherry, running=False)

    text = wherry("system", "prune", "-f").stdout

    assert "Deleted Containers:\n" in text
    assert f"Deleted Images:\ndeleted: {APP}\n" in text
    assert re.search(r"^Total reclaimed space: 6\.00\dkB$", text, re.MULTILINE)
    assert wherry("images", "--format", "{{.Repository}}").stdout == "busybox\n"


def test_disk_usage_shares_layers(both: Both, wherry: Wherry) -> None:
    lines = [line.split() for line in wherry("system", "df", "-v").stdout.splitlines()]

    (app,) = (line for line in lines if line[:2] == ["app", "1"])
    (base,) = (line for line in lines if line[:2] == ["base", "1"])
    assert app[-4:] == ["6kB", "5B", "6kB", "0"]
    assert base[-4:] == ["5B", "5B", "0B", "0"]


def test_a_locked_tag_stays(wherry: Wherry) -> None:
    archive = old_archive(LAYERS, "locked:1")
    wherry("load", stdin=archive)
    wherry("tag", "--lock", "locked:1")

    refused = "wherry: tag locked:1 is locked to image " + APP[7:19]
    for words, stdin in (
        (("tag", "busybox", "locked:1"), None),
        (("load",), old_archive(LAYERS[:1], "locked:1")),
        (("import", "-", "locked:1"), LAYERS[1]),
        (("bootstrap", "-t", "locked:1", "busybox"), None),
        (("rmi", "locked:1"), None),
        (("rmi", APP), None),
    ):
        result = wherry(*words, check=False, stdin=stdin)
        assert (result.returncode, result.stderr.splitlines()[0]) == (1, refused), words
    wherry("image", "prune", "-a", "-f", "--filter", "until=2021-01-01")
    assert wherry("load", stdin=archive).stdout == "Loaded image: locked:1\n"
    assert "L" in wherry("images", "--tree", "locked").stdout.split("\n")[1].split()
    wherry("tag", "--unlock", "locked:1")
    wherry("tag", "busybox", "locked:1")
    wherry("tag", "--lock", "locked:1")
    wherry("rmi", "-f", "locked:1")

    log = wherry("tag", "log", "--format", "{{.ID}} {{.Reason}}", "locked:1").stdout
    busybox = wherry("images", "-q", "busybox").stdout.strip()
    assert log == f"{APP[7:19]} load\n{busybox} tag\n<none> untag\n"
    wherry("image", "prune", "-f")


def test_the_tree_has_each_image_once(both: Both, wherry: Wherry) -> None:
    lines = wherry("images", "--tree", "app").stdout.splitlines()

    assert lines[0].split() == ["IMAGE", "ID", "DISK", "USAGE", "CONTENT", "SIZE", "EXTRA"]
    assert lines[1].split() == ["app:1", APP[7:19], "6kB", "20.5kB"]
    assert lines[2] == "└─ app:2"
