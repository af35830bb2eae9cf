"""`system check`: a store is damaged in every way that is known, found out, and repaired."""

import gzip
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wherry.engine.engine import Engine
from wherry.engine.images.pull import pull_image
from wherry.engine.images.remove import remove_image
from wherry.engine.system.check import check_system
from wherry.engine.system.repair import repair_system
from wherry.store.blobs import ingest_blob
from wherry.store.images import list_images
from wherry.store.leases import lease_of
from wherry.store.volumes import create_volume
from wherry.testing.command import Wherry
from wherry.testing.registries import HostileRegistry

pytestmark = pytest.mark.needs("root", "overlay")


def layer(files: dict[str, bytes]) -> tuple[bytes, bytes]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), 1), buffer.getvalue()


LOWER = layer({"bin/tool": b"tool" * 5000, "etc/conf": b"before"})
UPPER = layer({"etc/conf": b"after", "etc/conf.d/one": b"1" * 700})


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HostileRegistry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with HostileRegistry() as running:
        running.add_image(dict([LOWER, UPPER]))
        yield running


@pytest.fixture
def engine(registry: HostileRegistry, tmp_path: Path) -> Iterator[Engine]:
    """One with an image of two layers, pulled."""
    engine = Engine(tmp_path / "root", tmp_path / "run")
    pull_image(engine, f"{registry.host}/team/app")
    assert check_system(engine, rehash=True).findings == ()
    yield engine
    engine.store.database.close()


def execute(engine: Engine, statement: str, *values: object) -> None:
    with engine.store.database.write() as connection:
        connection.execute("PRAGMA defer_foreign_keys=ON")
        connection.execute(statement, values)


def blob_path(engine: Engine) -> Path:
    return max((engine.store.root / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def layers(engine: Engine) -> Path:
    return engine.store.root / "layers"


def lose_layer_rows(engine: Engine) -> None:
    execute(engine, "DELETE FROM layers WHERE parent_chain_id IS NOT NULL")
    shutil.rmtree(layers(engine) / "2")


def mislead_a_link(engine: Engine) -> None:
    link = layers(engine) / "l" / "1"
    link.unlink()
    link.symlink_to("../2/diff")


DAMAGES: dict[str, tuple[Callable[[Engine], object], str]] = {
    "a blob that was cut": (
        lambda engine: os.truncate(blob_path(engine), 10),
        "damaged blob: has 10 bytes, expected {}; fetched again from {host}/team/app",
    ),
    "a blob with a wrong byte": (
        lambda engine: flip_a_byte(blob_path(engine)),
        "damaged blob: its bytes have digest {}; fetched again from {host}/team/app",
    ),
    "a file of a layer that is gone": (
        lambda engine: (layers(engine) / "1/diff/bin/tool").unlink(),
        "damaged layer: its files have 6 bytes, 20006 were unpacked; unpacked again from its blob",
    ),
    "a file of a layer with a wrong byte": (
        lambda engine: flip_a_byte(layers(engine) / "2/diff/etc/conf.d/one"),
        "damaged layer: its files are not those that were unpacked; unpacked again from its blob",
    ),
    "a layer whose folder is gone": (
        lambda engine: shutil.rmtree(layers(engine) / "2"),
        "missing layer: its folder, layers/2/diff, is not there; unpacked again from its blob",
    ),
    "a layer whose row is gone": (
        lose_layer_rows,
        "missing layer: is not here; image {} needs it; fetched again from {host}/team/app",
    ),
    "a record that cannot be read": (
        lambda engine: (layers(engine) / "1/tar.zst").write_bytes(b"rubbish"),
        "damaged layer: the record of its tar cannot be read: {}; unpacked again from its blob",
    ),
    "a link that leads elsewhere": (
        mislead_a_link,
        "damaged link: does not lead to layer {}; made again",
    ),
    "a configuration with other bytes": (
        lambda engine: execute(engine, "UPDATE images SET config = CAST('{}' AS BLOB)"),
        "damaged image: its configuration has another digest; fetched again from {host}/team/app",
    ),
    "a manifest that is none": (
        lambda engine: execute(engine, "UPDATE images SET manifest = CAST('[' AS BLOB)"),
        "damaged image: its documents {}; its manifest was forgotten: a push makes a new one",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_and_repaired(
    engine: Engine, registry: HostileRegistry, damage: str
) -> None:
    act, expected = DAMAGES[damage]
    act(engine)

    checkup = check_system(engine, rehash=True)
    repairs = repair_system(engine, checkup.findings)

    assert checkup.faults == 1
    (told,) = [
        f"{each.finding.state.value} {each.finding.kind.value}:"
        f" {each.finding.problem}; {each.outcome}"
        for each in repairs
        if each.finding.state.is_fault
    ]
    before, _, after = expected.replace("{host}", registry.host).partition("{}")
    assert told.startswith(before)
    assert told.endswith(after)
    assert all(repair.done for repair in repairs)
    assert check_system(engine, rehash=True).findings == ()
    assert len(list(list_images(engine.store.database.connection))) == 1


def test_a_layer_without_its_blob_comes_from_the_registry(
    engine: Engine, registry: HostileRegistry
) -> None:
    blob_path(engine).unlink()
    shutil.rmtree(layers(engine) / "1")
    shutil.rmtree(layers(engine) / "2")

    repairs = repair_system(engine, check_system(engine).findings)

    origins = sorted(repair.outcome for repair in repairs)
    assert origins == [
        "unpacked again from 127.0.0.1:" + registry.host.partition(":")[2] + "/team/app",
        "unpacked again from its blob",
    ]
    assert check_system(engine, rehash=True).findings == ()


def test_what_no_registry_has_any_more_stays_a_fault(
    engine: Engine, registry: HostileRegistry
) -> None:
    for path in (engine.store.root / "blobs/sha256").iterdir():
        path.unlink()
    shutil.rmtree(layers(engine) / "2")
    registry.content.clear()

    (repair,) = repair_system(engine, check_system(engine).findings)

    assert not repair.done
    assert "blob unknown" in repair.outcome
    assert check_system(engine).faults == 1


def orphan_blob(engine: Engine) -> None:
    with lease_of(engine.store) as lease:
        ingest_blob(lease, [b"nobody needs this"])


def dead_staging(engine: Engine) -> None:
    folder = engine.store.root / "tmp" / "1-00ff"
    folder.mkdir()
    (folder / "half").write_bytes(b"x" * 5000)


def old_download(engine: Engine) -> None:
    path = engine.store.root / "downloads" / ("sha256-" + "0" * 64)
    path.write_bytes(b"x")
    os.utime(path, (1, 1))


ORPHANS: dict[str, tuple[Callable[[Engine], object], str]] = {
    "a blob that no image needs": (orphan_blob, "blob: no image needs it"),
    "what is no blob": (
        lambda engine: (engine.store.root / "blobs/sha256/junk").write_bytes(b"x"),
        "file: is no blob",
    ),
    "what a dead process left": (
        dead_staging,
        "staging: was left by a process that is gone",
    ),
    "a layer's folder without a row": (
        lambda engine: (layers(engine) / "77/diff").mkdir(parents=True),
        "layer: no row knows it",
    ),
    "a volume's folder without a row": (
        lambda engine: (engine.store.root / "volumes/lost/_data").mkdir(parents=True),
        "volume: no row knows it",
    ),
    "a container's folder without a row": (
        lambda engine: (engine.store.root / "containers/lost").mkdir(),
        "container: no row knows it",
    ),
    "a download of long ago": (old_download, "download: nobody has gone on with it for a week"),
    "a step of a build whose layer is gone": (
        lambda engine: execute(
            engine,
            f"INSERT INTO build_cache VALUES ('sha256:{'1' * 64}', 'sha256:{'2' * 64}', '', NULL,"
            " '', '', x'', 0, 0, 0, 0, 0)",
        ),
        "build cache: its layer is not here",
    ),
}


@pytest.mark.parametrize("orphan", ORPHANS)
def test_orphans_are_no_faults_and_freed(engine: Engine, orphan: str) -> None:
    act, expected = ORPHANS[orphan]
    act(engine)

    checkup = check_system(engine)

    assert checkup.faults == 0
    (finding,) = checkup.findings
    assert f"{finding.kind.value}: {finding.problem}" == expected
    assert [each.outcome for each in repair_system(engine, checkup.findings)] == ["freed"]
    assert check_system(engine).findings == ()


def test_layers_of_an_image_that_went_are_orphans(engine: Engine) -> None:
    execute(engine, "DELETE FROM tags")
    execute(engine, "DELETE FROM repo_digests")
    execute(engine, "DELETE FROM images")

    found = [(each.kind.value, each.problem) for each in check_system(engine).findings]

    assert sorted(found) == [
        *[("blob", "no image needs it")] * 2,
        *[("layer", "nothing stands on it")] * 2,
    ]


def test_rows_without_folders_are_told_with_a_remedy(engine: Engine) -> None:
    create_volume(engine.store, "data")
    shutil.rmtree(engine.store.root / "volumes" / "data")

    (repair,) = repair_system(engine, check_system(engine).findings)

    assert (repair.finding.name, repair.done) == ("data", False)
    assert repair.outcome == "remove it with: wherry volume rm"


def test_a_damaged_database_is_told(engine: Engine) -> None:
    connection = engine.store.database.connection
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute(f"INSERT INTO tags VALUES ('x:1', 'sha256:{'3' * 64}', 0, 0)")
    connection.execute("PRAGMA foreign_keys=ON")

    (finding,) = check_system(engine).findings

    assert finding.problem == "a row of tags refers to one of images that is not there"


def test_what_a_live_writer_has_in_hand_is_no_orphan(engine: Engine) -> None:
    with lease_of(engine.store) as lease:
        ingest_blob(lease, [b"on its way into an image"])
        (lease.folder / "half").write_bytes(b"x")

        assert check_system(engine).findings == ()
    remove_image(engine, str(next(list_images(engine.store.database.connection)).id), force=True)


def test_the_command_tells_repairs_and_ends_with_a_status(
    engine: Engine, registry: HostileRegistry
) -> None:
    wherry = Wherry(engine.store.root, engine.store.run)
    wherry.environment["WHERRY_LAUNCHER"] = "off"
    digest = blob_path(engine).name
    os.truncate(blob_path(engine), 10)
    (engine.store.root / "blobs/sha256/junk").write_bytes(b"x")

    found = wherry("system", "check", check=False)

    assert found.returncode == 1
    title, damaged, orphaned, summary, hint = found.stdout.splitlines()
    assert title.split() == ["STATE", "KIND", "NAME", "SIZE", "PROBLEM"]
    assert damaged.split()[:3] == ["damaged", "blob", f"sha256:{digest}"[:39] + "…"]
    assert orphaned.split() == ["orphaned", "file", "blobs/sha256/junk", "4.096kB", "is", "no",
                                "blob"]  # fmt: skip
    assert summary == (
        "Checked 1 images, 2 layers, 0 containers, 0 volumes:"
        " 1 damaged or missing, 1 orphaned (4.096kB)"
    )
    assert hint == "Repair with: wherry system check --repair"
    repaired = wherry("system", "check", "--repair", "--format", "json")
    assert [json.loads(line)["Repair"] for line in repaired.stdout.splitlines()] == [
        f"fetched again from {registry.host}/team/app",
        "freed",
    ]
    assert wherry("system", "check", "--rehash").stdout.endswith(": nothing is wrong\n")


@pytest.mark.needs("containers")
def test_a_layer_is_left_alone_while_a_container_stands_on_it(tmp_path: Path) -> None:
    wherry = Wherry(tmp_path / "root", tmp_path / "run")
    wherry("bootstrap", "busybox")
    wherry("run", "-d", "--network=none", "--name", "it", "busybox", "sleep", "100")
    (wherry.root / "layers/1/diff/bin/busybox").rename(tmp_path / "busybox")
    repair = ("system", "check", "--repair", "--format", "{{.Repair}}")

    in_use = wherry(*repair, check=False)
    wherry("rm", "-f", "it")
    unknown = wherry(*repair, check=False)
    (tmp_path / "busybox").rename(wherry.root / "layers/1/diff/bin/busybox")

    assert in_use.stdout.startswith("not repaired: running container ")
    assert unknown.stdout == "not repaired: no registry is known to have it\n"
    assert (in_use.returncode, unknown.returncode) == (1, 1)
    assert wherry(*repair).stdout == ""
    wherry("system", "launcher", "stop")
