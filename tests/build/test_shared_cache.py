"""`--cache-from` and `--cache-to`: what one machine has built, another does not build again."""

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.build.conftest import Files
from tests.conftest import end_launcher
from wherry.build.inputs import StepInputs
from wherry.build.shared_cache import (
    InvalidCache,
    SharedStep,
    document_bytes,
    document_of,
    steps_in,
)
from wherry.engine.builds.cache_options import cache_sources, cache_targets
from wherry.errors import WherryError
from wherry.network.plug import remove_bridge_if_unused
from wherry.oci.digest import DiffID
from wherry.store.store import Store
from wherry.testing.command import Wherry
from wherry.testing.registries import DockerRegistry

Context = Callable[[Files], Path]

pytestmark = pytest.mark.needs("registry")

TEXT = """\
FROM busybox AS maker
RUN cat /proc/sys/kernel/random/uuid > /made
FROM busybox
COPY --from=maker /made /made
COPY --link file /file
RUN cat /proc/sys/kernel/random/uuid > /own
"""


@pytest.fixture(scope="module")
def registry() -> Iterator[DockerRegistry]:
    with DockerRegistry() as running:
        yield running


@pytest.fixture
def elsewhere(installation: Wherry, tmp_path: Path) -> Iterator[Wherry]:
    """Another machine, with the same busybox."""
    other = Wherry(tmp_path / "root", tmp_path / "run")
    archive = tmp_path / "busybox.tar"
    installation("save", "-o", str(archive), "busybox")
    other("load", "-q", "-i", str(archive))
    yield other
    other.remove_everything()
    end_launcher(other)
    remove_bridge_if_unused(Store(other.root, other.run_folder))


def _forget(machine: Wherry) -> None:
    machine("image", "prune", "-f")
    machine("builder", "prune", "-a", "-f")


def test_a_cache_goes_from_machine_to_machine(
    builder: Wherry,
    elsewhere: Wherry,
    registry: DockerRegistry,
    context: Context,
    tmp_path: Path,
) -> None:
    folder = context({"Dockerfile": TEXT, "file": "text"})
    places = {
        f"type=registry,ref={registry.host}/cache:max,mode=max": f"{registry.host}/cache:max",
        f"type=local,dest={tmp_path}/cache,mode=max": f"type=local,src={tmp_path}/cache",
    }
    words = [word for target in places for word in ("--cache-to", target)]

    built = builder("build", "-q", *words, str(folder)).stdout

    for source in places.values():
        again = elsewhere("build", "--progress=plain", "--cache-from", source, str(folder))
        assert again.stderr.count("CACHED") == 4
        # The very same: with what chance had given the steps, and their times.
        assert built.strip() in again.stderr
        _forget(elsewhere)


def test_an_image_carries_its_cache_along(
    builder: Wherry, elsewhere: Wherry, registry: DockerRegistry, context: Context
) -> None:
    folder = context({"Dockerfile": TEXT, "file": "text"})
    name = f"{registry.host}/app:1"
    builder("build", "-q", "--push", "--cache-to", "type=inline", "-t", name, str(folder))
    made = builder("run", "--rm", name, "cat", "/own").stdout
    (folder / "file").write_text("changed")

    words = ("--cache-from", name, "-t", "again", str(folder))
    again = elsewhere("build", "--progress=plain", *words)

    assert "importing cache manifest from" in again.stderr
    assert again.stderr.count("CACHED") == 2  # not the changed file, nor what comes after it
    elsewhere("pull", "-q", name)
    assert elsewhere("run", "--rm", name, "cat", "/own").stdout == made


def test_a_cache_that_cannot_be_had_is_done_without(
    builder: Wherry, registry: DockerRegistry, context: Context, tmp_path: Path
) -> None:
    folder = context({"Dockerfile": "FROM busybox\nRUN true\n"})
    missing = ("--cache-from", f"{registry.host}/none:1", "--cache-from", "type=local,src=/none")
    nowhere = "type=registry,ref=localhost:1/x,ignore-error=true"

    built = builder("build", "--progress=plain", *missing, "--cache-to", nowhere, str(folder))

    assert "ERROR: manifest unknown" in built.stderr
    assert "/none: no such file or directory" in built.stderr
    assert "connection refused" in built.stderr


def test_a_cache_of_buildkit_s_is_told_of_and_not_used(
    builder: Wherry, context: Context, tmp_path: Path
) -> None:
    # As BuildKit writes it: an index of layers, and of what tells their keys.
    folder = context({"Dockerfile": "FROM busybox\nRUN true\n"})
    layout = tmp_path / "layout"
    (layout / "blobs/sha256").mkdir(parents=True)

    def kept(document: dict[str, object]) -> dict[str, object]:
        data = json.dumps(document).encode()
        digest = hashlib.sha256(data).hexdigest()
        (layout / "blobs/sha256" / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    media_type = "application/vnd.buildkit.cacheconfig.v0"
    config = {"mediaType": media_type, **kept({"layers": [], "records": []})}
    index_type = "application/vnd.oci.image.index.v1+json"
    index = {"schemaVersion": 2, "mediaType": index_type, "manifests": [config]}
    tag = {"org.opencontainers.image.ref.name": "latest"}
    listed = {"mediaType": index_type, **kept(index), "annotations": tag}
    top = {"schemaVersion": 2, "mediaType": index_type, "manifests": [listed]}
    (layout / "index.json").write_text(json.dumps(top))
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    words = ("build", "--progress=plain", "--cache-from", f"type=local,src={layout}")
    told = builder(*words, str(folder)).stderr

    assert f"WARNING: {layout} is a cache of BuildKit's, whose keys are its own: not used" in told
    assert "ERROR" not in told


def test_a_layer_that_was_changed_on_the_way_is_made_anew(
    builder: Wherry, elsewhere: Wherry, context: Context, tmp_path: Path
) -> None:
    folder = context({"Dockerfile": "FROM busybox\nRUN echo right > /file\n"})
    cache = tmp_path / "cache"
    builder("build", "-q", "--cache-to", f"type=local,dest={cache}", str(folder))
    for blob in (cache / "blobs/sha256").iterdir():
        data = blob.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            wrong = subprocess.run(
                ["gzip", "-c"],
                input=subprocess.run(
                    ["zcat"], input=data, check=True, capture_output=True
                ).stdout.replace(b"right", b"wrong"),
                check=True,
                capture_output=True,
            ).stdout
            blob.write_bytes(wrong)

    words = ("--cache-from", f"type=local,src={cache}", "-t", "made", str(folder))
    elsewhere("build", "-q", *words)

    assert elsewhere("run", "--rm", "made", "cat", "/file").stdout == "right\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("type=gha", 'unknown cache exporter: "gha"'),
        ("type=local", "local cache exporter requires dest"),
        ("type=registry", "registry cache requires ref"),
        ("ref=x,type=registry,mode=big", 'invalid cache mode "big"'),
        ("type=inline,mode=max", "mode=min"),
        ("type=local,dest=x,compression=zstd", "gzip only"),
        ("type=local,dest=x,image-manifest=false", "image-manifest is always true"),
        ("type=local,dest=x,who=knows", 'cache key "who" is not supported'),
        ("ref=x", "type required"),
    ],
)
def test_a_target_that_cannot_be_written_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(WherryError, match=complaint):
        cache_targets([text])


def test_a_name_alone_is_a_registry_s() -> None:
    (source,) = cache_sources(["user/app:cache"])
    assert source.shown == "docker.io/user/app:cache"


def test_documents_of_a_cache_are_read_as_they_were_written() -> None:
    step = SharedStep(
        inputs=StepInputs({"instruction": "RUN", "command": ["a"]}, {"caf\udce9": "1"}, True),
        diff_id=DiffID("sha256:" + "a" * 64),
        layer=3,
        description="[1/2] RUN a",
        kind="regular",
        created_ns=5,
        duration_ns=6,
    )

    assert steps_in(document_bytes(document_of([step]))) == [step]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b'{"version":2,"steps":[]}',
        b'{"version":1}',
        b'{"version":1,"steps":[{}]}',
        b'{"version":1,"steps":[{"inputs":{},"kind":"regular","description":"","layer":-1,'
        b'"createdNs":0,"durationNs":0,"diffID":"sha256:' + b"a" * 64 + b'"}]}',
    ],
)
def test_what_is_no_cache_is_refused(document: bytes) -> None:
    with pytest.raises(InvalidCache):
        steps_in(document)
