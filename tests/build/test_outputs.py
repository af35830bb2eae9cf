"""What a build leaves behind: registries, archives, folders, one layer for many."""

import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.build.conftest import Files, tree_of
from wherry.engine.builds.outputs import outputs_of
from wherry.errors import WherryError
from wherry.testing.command import Wherry
from wherry.testing.registries import DockerRegistry

Context = Callable[[Files], Path]

pytestmark = pytest.mark.needs("registry")


@pytest.fixture(scope="module")
def registry() -> Iterator[DockerRegistry]:
    with DockerRegistry() as running:
        yield running


def test_a_build_is_pushed_under_all_its_names(
    builder: Wherry, context: Context, registry: DockerRegistry, tmp_path: Path
) -> None:
    folder = context({"Dockerfile": "FROM busybox\nRUN echo x > /pushed\n"})
    names = [f"{registry.host}/a/{tag}" for tag in ("one:1", "two:2", "three:3")]
    facts = tmp_path / "facts.json"
    tags = ("-t", names[0], "-t", names[1], "--metadata-file", str(facts))

    builder("build", "-q", "--push", *tags, str(folder))
    builder("build", "-q", "-o", f"type=registry,name={names[2]}", str(folder))
    builder("rmi", "-f", *names)

    builder("pull", "-q", names[2])
    pulled = builder("image", "inspect", names[2], "--format", "{{json .RepoDigests}}").stdout
    digest = json.loads(facts.read_text())["containerimage.digest"]
    assert json.loads(pulled) == [f"{names[2].rpartition(':')[0]}@{digest}"]
    assert builder("run", "--rm", names[1], "cat", "/pushed").stdout == "x\n"


def test_annotations_are_kept_where_there_is_a_manifest(
    builder: Wherry, context: Context, registry: DockerRegistry, tmp_path: Path
) -> None:
    folder = str(context({"Dockerfile": "FROM busybox\n"}))
    said = ("--annotation", "a.b=c=d", "--annotation", "manifest,manifest-descriptor:e=f")
    layout = tmp_path / "layout"
    words = ("build", "-q", "--provenance=false", "--sbom=false", *said)

    builder(*words, "-o", f"type=oci,tar=false,dest={layout}", folder)
    builder(*words, "-t", f"{registry.host}/said", "--push", folder)

    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    blob = layout / "blobs/sha256" / entry["digest"].partition(":")[2]
    assert entry["annotations"] == {"e": "f"}
    assert json.loads(blob.read_text())["annotations"] == {"a.b": "c=d", "e": "f"}
    told = builder("manifest", "inspect", "--insecure", f"{registry.host}/said").stdout
    assert json.loads(told)["annotations"] == {"a.b": "c=d", "e": "f"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--annotation", "a=b"), "annotations are kept in manifests"),
        (("--annotation", "a", "--push"), 'invalid annotation "a", expected key=value'),
        (("--annotation", "x:a=b", "--push"), 'unknown annotation type "x"'),
        (("--annotation", "index:a=b", "--push"), "index annotations not supported for single"),
        (("--provenance=mode=max",), "Attestation is not supported: --provenance=mode=max"),
        (("--sbom",), "Attestation is not supported: --sbom=true"),
        (("--attest", "type=sbom"), "Attestation is not supported: --attest type=sbom"),
    ],
)
def test_what_no_manifest_here_can_say_is_refused(
    words: tuple[str, ...], complaint: str, builder: Wherry, context: Context
) -> None:
    folder = str(context({"Dockerfile": "FROM scratch\n"}))
    refused = builder("build", "-t", "localhost:1/x", *words, folder, check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"wherry: {complaint}")


def test_squashed_layers_show_what_the_layers_show(
    builder: Wherry, context: Context, tmp_path: Path
) -> None:
    lines = (
        "RUN mkdir -p /d/sub /gone && echo 1 > /d/a && echo 1 > /d/sub/x && ln /d/a /d/hard",
        "RUN rm -r /d/a /gone /d/sub && mkdir /d/sub && echo 2 > /d/sub/y && chmod 711 /d",
        "RUN rm /bin/vi && rm -rf /root && mkdir /root && rm -rf /tmp && echo file > /tmp",
        "COPY Dockerfile /d/sub/",
        "RUN rm /tmp && mkdir /tmp && chown 5:6 /tmp && ln -s nowhere /d/link",
    )
    folder = context({"Dockerfile": "\n".join(("FROM busybox AS base", *lines, "FROM base"))})

    builder("build", "-q", "-t", "plain", str(folder))
    squashed = builder("build", "-q", "--squash", "-t", "squashed", str(folder)).stdout
    again = builder("build", "-q", "--squash", "-t", "squashed", str(folder)).stdout

    trees = []
    for name in ("plain", "squashed"):
        builder("create", "--name", name, name, "true")
        builder("export", "-o", str(tmp_path / name), name)
        builder("rm", name)
        trees.append(tree_of(tmp_path / name))
    assert trees[0] == trees[1]
    assert again == squashed
    layers = builder("image", "inspect", "squashed", "--format", "{{len .RootFS.Layers}}").stdout
    assert layers == "2\n"
    comments = builder("history", "squashed", "--format", "{{.Comment}}").stdout
    assert comments.startswith("merge sha256:")


def test_archives_go_to_pipes_and_folders(
    builder: Wherry, context: Context, tmp_path: Path
) -> None:
    folder = context({"Dockerfile": "FROM scratch\nCOPY file /\n", "file": "text"})

    def piped(output: str) -> list[str]:
        done = subprocess.run(
            builder.command("build", "-q", "-o", output, str(folder)),
            env=builder.environment,
            capture_output=True,
            check=True,
        )
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
            return tar.getnames()

    builder("build", "-q", "-o", f"type=oci,dest={tmp_path}/layout,tar=false", str(folder))

    assert piped("-") == ["file"]
    assert piped("type=tar") == ["file"]
    assert "manifest.json" in piped("type=docker,dest=-")
    assert (tmp_path / "layout/oci-layout").exists()
    builder("build", "-q", "-o", "type=cacheonly", str(folder))
    assert builder("images", "-q", "--filter", "dangling=true").stdout == ""


def test_a_build_is_loaded_as_well_where_that_is_asked_for(
    builder: Wherry, context: Context, tmp_path: Path
) -> None:
    folder = context({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
    out = ("-o", f"type=local,dest={tmp_path}/out")

    builder("build", "-q", "-t", "in", *out, str(folder))
    assert not builder("images", "-q", "in").stdout

    builder("build", "-q", "-t", "in", "--load", *out, str(folder))
    assert builder("images", "-q", "in").stdout


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("type=local", "dest is required for local output"),
        ("type=oci,tar=false", "dest is required for oci output"),
        ("type=tar,tar=false,dest=x", "tar=false is not for tar output"),
        ("type=local,dest=x,push=true", "push and local output can't be used together"),
        ("type=image,push=maybe", "non-bool value maybe specified for push"),
        ("type=image,compression=zstd", 'output key "compression" is not supported'),
        ("type=what", 'unsupported output type "what"'),
        ("dest=x", 'unsupported output type ""'),
    ],
)
def test_an_output_that_cannot_be_written_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(WherryError, match=complaint):
        outputs_of([text])


def test_what_has_no_name_cannot_be_pushed(builder: Wherry, context: Context) -> None:
    folder = context({"Dockerfile": "FROM busybox\n"})

    failed = builder("build", "--push", str(folder), check=False)

    assert failed.returncode == 1
    assert "tag is needed when pushing to registry" in failed.stderr


def test_a_base_is_pulled_again_where_that_is_asked_for(
    builder: Wherry, registry: DockerRegistry
) -> None:
    base = f"{registry.host}/base:1"
    old = builder("build", "-q", "-t", base, "-", stdin=b"FROM busybox\nLABEL v=old\n").stdout
    builder("build", "-q", "--push", "-t", base, "-", stdin=b"FROM busybox\nLABEL v=new\n")
    builder("tag", old.strip(), base)
    text = f"FROM {base}\nLABEL more=1\n".encode()

    def label(*words: str) -> str:
        made = builder("build", "-q", *words, "-", stdin=text).stdout.strip()
        return builder("image", "inspect", made, "--format", "{{.Config.Labels.v}}").stdout

    assert label() == "old\n"
    assert label("--pull") == "new\n"
