"""One build for several platforms."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.build.conftest import Files
from wherry.testing.command import Wherry
from wherry.testing.registries import DockerRegistry

Context = Callable[[Files], Path]

pytestmark = pytest.mark.needs("registry")

PLATFORMS = "--platform=linux/amd64,linux/s390x"
TEXT = """\
FROM --platform=$BUILDPLATFORM busybox AS native
ARG TARGETPLATFORM
RUN echo made for $TARGETPLATFORM > /made
FROM scratch
ARG TARGETARCH
LABEL architecture=$TARGETARCH
COPY --from=native /made /made
"""


@pytest.fixture(scope="module")
def registry() -> Iterator[DockerRegistry]:
    with DockerRegistry() as running:
        yield running


def test_an_index_of_all_platforms_is_pushed(
    builder: Wherry, context: Context, registry: DockerRegistry, tmp_path: Path
) -> None:
    name, facts = f"{registry.host}/cross:1", tmp_path / "facts"
    said = ("--annotation", "index:of=all", "--annotation", "manifest[linux/s390x]:of=one")
    folder = str(context({"Dockerfile": TEXT}))

    told = builder(
        *("build", "-q", PLATFORMS, *said, "--metadata-file", str(facts), "-t", name, "--push"),
        folder,
    ).stdout

    index = json.loads(builder("manifest", "inspect", "--insecure", name).stdout)
    assert index["mediaType"] == "application/vnd.oci.image.index.v1+json"
    assert index["annotations"] == {"of": "all"}
    found = [entry["platform"]["architecture"] for entry in index["manifests"]]
    assert found == ["amd64", "s390x"]
    digest = told.strip()
    assert json.loads(facts.read_text()) == {"image.name": name, "containerimage.digest": digest}
    one = f"{registry.host}/cross@{index['manifests'][1]['digest']}"
    manifest = json.loads(builder("manifest", "inspect", "--insecure", one).stdout)
    assert manifest["annotations"] == {"of": "one"}
    builder("pull", "-q", "--platform=linux/s390x", f"{registry.host}/cross@{digest}")
    (image,) = json.loads(builder("image", "inspect", f"{registry.host}/cross@{digest}").stdout)
    assert image["Architecture"] == image["Config"]["Labels"]["architecture"] == "s390x"


def test_an_archive_of_all_platforms_is_loaded_as_the_one_of_the_machine(
    builder: Wherry, context: Context, tmp_path: Path
) -> None:
    folder, archive = str(context({"Dockerfile": TEXT})), tmp_path / "archive"

    builder("build", "-q", PLATFORMS, "-t", "cross", "-o", f"type=oci,dest={archive}", folder)
    builder("load", "-q", "-i", str(archive))

    (image,) = json.loads(builder("image", "inspect", "cross").stdout)
    assert image["Architecture"] == "amd64"


def test_the_files_of_each_platform_have_a_folder(
    builder: Wherry, context: Context, tmp_path: Path
) -> None:
    folder, target = str(context({"Dockerfile": TEXT})), tmp_path / "files"

    steps = builder("build", PLATFORMS, "--progress=plain", "-o", str(target), folder).stderr

    assert (target / "linux_amd64" / "made").read_text() == "made for linux/amd64\n"
    assert (target / "linux_s390x" / "made").read_text() == "made for linux/s390x\n"
    assert "[linux/s390x native 2/2] RUN echo made" in steps
    one = tmp_path / "one"
    split = f"type=local,dest={one},platform-split=true"
    builder("build", "-q", "--platform=linux/s390x", "-o", split, folder)
    assert (one / "linux_s390x" / "made").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "Multi-platform build is not supported: a tag names one image"),
        (("-o", "type=docker,dest=x"), "docker exporter does not currently support exporting"),
        (("--push",), "tag is needed when pushing to registry"),
        (("--explain",), "Multi-platform build is not supported"),
    ],
)
def test_what_has_no_place_for_several_platforms_refuses_them(
    builder: Wherry, context: Context, words: tuple[str, ...], complaint: str
) -> None:
    folder = str(context({"Dockerfile": TEXT}))

    told = builder("build", PLATFORMS, *words, folder, check=False)

    assert told.returncode == 1
    assert complaint in told.stderr
