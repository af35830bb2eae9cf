"""Containers made, listed, inspected and removed, without a process in any of them."""

import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.engine.containers.create import create_container
from wherry.engine.containers.inspect import inspect_container
from wherry.engine.containers.list import list_summaries
from wherry.engine.containers.options.config import config_from_options
from wherry.engine.containers.prune import prune_containers
from wherry.engine.containers.remove import remove_container
from wherry.engine.containers.update import update_container
from wherry.engine.engine import Engine
from wherry.errors import InvalidArgument
from wherry.oci.container_config import ResourceLimits
from wherry.oci.digest import Digest
from wherry.oci.image_config import ContainerDefaults, ImageConfig, RootFS
from wherry.oci.reference import Reference
from wherry.store.containers import Container, NameInUse, NoSuchContainer
from wherry.store.images import StoredImage, insert_image, set_tag
from wherry.store.layers import register_layer
from wherry.store.leases import lease_of
from wherry.store.listing import container_rows


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine with an image `base` that runs `true` and has a volume at /data."""
    engine = Engine(tmp_path / "root", tmp_path / "run")
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("true"))
    with lease_of(engine.store) as lease:
        layer = register_layer(lease, [tar.getvalue()])
        document = ImageConfig(
            architecture="amd64",
            os="linux",
            config=ContainerDefaults(cmd=("true",), env=("A=image",), volumes={"/data": {}}),
            rootfs=RootFS(type="layers", diff_ids=(layer.diff_id,)),
        ).to_bytes()
        image = StoredImage(
            id=Digest.of_bytes(document), document=document, size=0, created_ns=0, added_ns=0
        )
        with engine.store.database.write() as connection:
            insert_image(connection, image, [layer.chain_id])
            set_tag(connection, Reference.parse("base:latest"), image.id, 0, "tag")
    yield engine
    engine.store.database.close()


def make(engine: Engine, name: str = "", *command: str, **options: object) -> Container:
    config = config_from_options("base", command, options, cwd="/", environ={})
    return create_container(engine, config, name or None)


def test_the_image_says_what_the_flags_do_not(engine: Engine) -> None:
    container = make(engine, "one", env=["B=own"])

    assert (container.details.path, container.details.args) == ("true", ())
    document = inspect_container(engine, "one")
    assert set(document["Config"]["Env"]) == {"A=image", "B=own"}  # type: ignore[index]
    json.dumps(document)


def test_a_volume_of_the_image_is_anonymous_and_at_its_place(engine: Engine) -> None:
    container = make(engine, "one")

    (point,) = container.details.mounts
    assert (point.type, point.destination, point.anonymous) == ("volume", "/data", True)
    assert os.path.isdir(point.source)


def test_a_taken_name_leaves_nothing_behind(engine: Engine) -> None:
    make(engine, "one")
    before = os.listdir(engine.store.root / "containers")
    volumes = os.listdir(engine.store.root / "volumes")

    with pytest.raises(NameInUse):
        make(engine, "one")

    assert os.listdir(engine.store.root / "containers") == before
    assert os.listdir(engine.store.root / "volumes") == volumes


def test_only_all_states_list_one_that_never_ran(engine: Engine) -> None:
    make(engine, "one", "sh", "-c", "a b", label=["x=1"])

    assert list_summaries(engine) == []
    (summary,) = list_summaries(engine, all_states=True, filters={"label": ("x",)})
    assert summary["Names"] == ["/one"]
    assert summary["Status"] == "Created"
    assert summary["Command"] == "sh -c 'a b'"
    assert list_summaries(engine, all_states=True, filters={"name": ("two",)}) == []


def test_rm_v_takes_the_anonymous_volumes_along(engine: Engine) -> None:
    make(engine, "one")

    remove_container(engine, "one", volumes=True)

    assert os.listdir(engine.store.root / "containers") == []
    assert os.listdir(engine.store.root / "volumes") == []
    with pytest.raises(NoSuchContainer):
        inspect_container(engine, "one")


def test_prune_keeps_volumes(engine: Engine) -> None:
    container = make(engine, "one")

    assert prune_containers(engine).ids == (container.id,)
    assert len(os.listdir(engine.store.root / "volumes")) == 1


def test_update_changes_what_is_set_alone(engine: Engine) -> None:
    engine.containers.create("base", name="one", memory="64m", cpu_shares=512)

    update_container(engine, "one", ResourceLimits(memory=32 << 20))

    limits = inspect_container(engine, "one")["HostConfig"]
    assert limits["Memory"] == 32 << 20  # type: ignore[index]
    assert limits["CpuShares"] == 512  # type: ignore[index]


def test_what_is_refused_is_not_made(engine: Engine) -> None:
    with pytest.raises(InvalidArgument):
        make(engine, "one", restart="always", rm=True)
    assert list_summaries(engine, all_states=True) == []


def test_a_plain_ps_reads_the_same_rows(engine: Engine) -> None:
    container = make(engine, "one", "echo", "a")
    places = str(engine.store.root), str(engine.store.run)

    assert list(container_rows(*places, all_states=False)) == []
    ((identity, name, _, status, image, path, arguments, *_),) = container_rows(
        *places, all_states=True
    )
    assert (identity, name, status, image, path) == (container.id, "one", "created", "base", "echo")
    assert arguments == '["a"]'
