"""Where a build reads from, what it leaves behind, and what it refuses."""

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build.conftest import Files
from wherry.testing.command import Wherry

Context = Callable[[Files], Path]


def _tar(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def test_a_dockerfile_comes_on_standard_input(builder: Wherry) -> None:
    text = b"FROM busybox\nRUN echo in > /in\n"

    builder("build", "-q", "-t", "in", "-", stdin=text)

    assert builder("run", "--rm", "in", "cat", "/in").stdout == "in\n"


def test_an_archive_comes_on_standard_input(builder: Wherry) -> None:
    archive = _tar(Dockerfile="FROM busybox\nCOPY file /\n", file="from a tar")

    builder("build", "-q", "-t", "in", "-", stdin=archive)

    assert builder("run", "--rm", "in", "cat", "/file").stdout == "from a tar"


def test_the_dockerfile_alone_comes_on_standard_input(builder: Wherry, context: Context) -> None:
    folder = context({"file": "here"})
    text = b"FROM busybox\nCOPY file /\n"

    builder("build", "-q", "-t", "in", "-f", "-", str(folder), stdin=text)

    assert builder("run", "--rm", "in", "cat", "/file").stdout == "here"


def test_another_dockerfile_has_ignore_rules_of_its_own(builder: Wherry, context: Context) -> None:
    folder = context(
        {
            "other": "FROM busybox\nCOPY . /all\n",
            "other.dockerignore": "secret\n",
            ".dockerignore": "plain\n",
            "plain": "",
            "secret": "",
        }
    )

    builder("build", "-q", "-t", "in", "-f", str(folder / "other"), str(folder))

    names = builder("run", "--rm", "in", "ls", "/all").stdout.split()
    assert "plain" in names
    assert "secret" not in names


def test_what_a_build_sees_is_listed_with_the_rule(builder: Wherry, context: Context) -> None:
    folder = context(
        {"Dockerfile": "FROM busybox", ".dockerignore": "*.log\n!b.log\n", "a.log": "", "b.log": ""}
    )

    listed = builder("build", "--list-context", str(folder)).stdout

    assert "-       0B  a.log  (.dockerignore:1: *.log)\n" in listed
    assert "+       0B  b.log  (.dockerignore:2: !b.log)\n" in listed


def test_a_named_context_is_copied_from(builder: Wherry, context: Context, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("other")
    folder = context({"Dockerfile": "FROM base\nCOPY --from=extra file /\n"})

    builder(
        *("build", "-q", "-t", "in"),
        *("--build-context", f"extra={other}"),
        *("--build-context", "base=docker-image://busybox"),
        str(folder),
    )

    assert builder("run", "--rm", "in", "cat", "/file").stdout == "other"


def test_parents_and_exclusions_of_a_copy(builder: Wherry, context: Context) -> None:
    folder = context(
        {
            "Dockerfile": "FROM busybox\nCOPY --parents --exclude=*.md a/./b/*/x c /to/\n",
            "a/b/one/x": "1",
            "a/b/two/x": "2",
            "c/readme.md": "",
            "c/kept": "",
        }
    )

    builder("build", "-q", "-t", "in", str(folder))

    found = builder("run", "--rm", "in", "sh", "-c", "cd /to; find . -type f | sort").stdout
    assert found.split() == ["./b/one/x", "./b/two/x", "./c/kept"]


def test_files_and_images_are_left_where_they_are_asked_for(
    builder: Wherry, context: Context, tmp_path: Path
) -> None:
    folder = context({"Dockerfile": "FROM scratch\nCOPY file /dir/\n", "file": "text"})

    builder("build", "-q", "-o", str(tmp_path / "out"), str(folder))
    builder("build", "-q", "-o", f"type=tar,dest={tmp_path}/out.tar", str(folder))
    builder("build", "-q", "-o", f"type=docker,dest={tmp_path}/image.tar,name=away", str(folder))

    assert (tmp_path / "out/dir/file").read_text() == "text"
    with tarfile.open(tmp_path / "out.tar") as tar:
        assert tar.getnames() == ["dir", "dir/file"]
    assert "away" not in builder("images").stdout
    builder("load", "-i", str(tmp_path / "image.tar"))
    assert "away" in builder("images").stdout


def test_the_id_and_facts_are_written_to_files(
    builder: Wherry, context: Context, tmp_path: Path
) -> None:
    folder = context({"Dockerfile": "FROM busybox\nLABEL a=b\n"})
    files = ("--iidfile", str(tmp_path / "id"), "--metadata-file", str(tmp_path / "facts"))

    built = builder(
        "build", "-q", "-t", "in:1", "-t", "in:2", "--label", "c=d", *files, str(folder)
    ).stdout.strip()

    assert (tmp_path / "id").read_text() == built
    facts = json.loads((tmp_path / "facts").read_text())
    assert facts["containerimage.config.digest"] == built
    assert facts["image.name"] == "docker.io/library/in:1,docker.io/library/in:2"
    labels = builder("image", "inspect", "--format", "{{json .Config.Labels}}", "in:2").stdout
    assert json.loads(labels) == {"a": "b", "c": "d"}


def test_raw_progress_is_documents(builder: Wherry, context: Context) -> None:
    folder = context({"Dockerfile": "FROM busybox\nRUN echo said\n"})

    raw = builder("build", "--progress=rawjson", str(folder)).stderr

    documents = [json.loads(line) for line in raw.splitlines()]
    names = {vertex["name"] for each in documents for vertex in each.get("vertexes", [])}
    assert "[2/2] RUN echo said" in names
    assert any(log["data"] == "c2FpZAo=" for each in documents for log in each.get("logs", []))


@pytest.mark.parametrize(
    ("dockerfile", "words", "complaint"),
    [
        ("FROM busybox\nCOPY nope /\n", (), '"/nope": not found'),
        ("FROM busybox\nCOPY ../file /x\nRUN true\n", ("--target", "x"), "target stage"),
        ("FROM busybox\nCOPY file file2 /x\n", (), "the destination must be a directory"),
        ("FROM localhost:1/missing:1\n", (), "connection refused"),
        ("FROM busybox\nRUNN x\n", (), "unknown instruction: RUNN (did you mean RUN?)"),
        ("FROM busybox\nRUN false\n", (), "exit code: 1"),
        ("FROM busybox\nCOPY --chown=who file /\n", (), "unable to find user who"),
        ("FROM busybox\n", ("--platform", "linux/amd64,linux/arm64"), "Multi-platform build is"),
        ("FROM oci-layout:///tmp\n", (), "invalid reference format"),
        ("FROM busybox\n", ("--network", "mine"), "network mine not found"),
        ("FROM busybox\n", ("--ulimit", "x"), 'invalid argument "x" for "--ulimit" flag'),
        ("FROM busybox\n", ("--add-host", "x"), 'invalid argument "x" for "--add-host" flag'),
        ("FROM busybox\n", ("--allow", "x"), "unknown entitlement"),
        ("FROM busybox\nEXPOSE 99999\n", (), "invalid containerPort: 99999"),
    ],
)
def test_what_cannot_be_built_is_told(
    dockerfile: str, words: tuple[str, ...], complaint: str, builder: Wherry, context: Context
) -> None:
    folder = context({"Dockerfile": dockerfile, "file": "x", "file2": "y"})

    failed = builder("build", *words, str(folder), check=False)

    assert failed.returncode != 0
    assert complaint in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_source_that_is_ignored_is_told_by_which_rule(builder: Wherry, context: Context) -> None:
    folder = context(
        {"Dockerfile": "FROM busybox\nCOPY a.log /\n", ".dockerignore": "*.log\n", "a.log": ""}
    )

    failed = builder("build", str(folder), check=False)

    assert (
        "Hint: it is there, but left out of the context by .dockerignore:1: *.log" in failed.stderr
    )


def test_links_lead_nowhere_out_of_the_context(
    builder: Wherry, context: Context, tmp_path: Path
) -> None:
    (tmp_path / "outside").write_text("not to be seen")
    folder = context({"Dockerfile": "FROM busybox\nCOPY link /\n"})
    os.symlink(tmp_path / "outside", folder / "link")

    failed = builder("build", str(folder), check=False)

    assert '"/link": not found' in failed.stderr


def test_a_build_is_had_from_python(builder: Wherry, context: Context) -> None:
    folder = context({"Dockerfile": "FROM busybox\nARG A\nLABEL a=$A\n"})
    script = (
        "import sys, wherry; engine = wherry.Engine(*sys.argv[1:3]);"
        "print(engine.images.build(sys.argv[3], tag='in', build_args={'A': 'b'}))"
    )

    made = subprocess.run(
        [sys.executable, "-c", script, builder.root, builder.run_folder, folder],
        env=builder.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    labels = builder("image", "inspect", "--format", "{{.Config.Labels.a}}", made.stdout.strip())
    assert labels.stdout == "b\n"


def test_an_added_archive_is_whose_it_is_said_to_be(
    builder: Wherry, context: Callable[[Files], Path], tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("file")
        member.uid = 5
        tar.addfile(member)
    text = "FROM scratch\nADD --chown=3:4 a.tar /given/\nADD a.tar /kept/\n"
    folder = context({"Dockerfile": text, "a.tar": buffer.getvalue()})

    builder("build", "-q", "-o", f"type=tar,dest={tmp_path / 'files'}", str(folder))

    with tarfile.open(tmp_path / "files") as tar:
        owners = {member.name: (member.uid, member.gid) for member in tar}
    assert (owners["given"], owners["given/file"]) == ((3, 4), (3, 4))
    assert (owners["kept"], owners["kept/file"]) == ((0, 0), (5, 0))
