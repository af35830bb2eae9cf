"""The OCI documents: read within bounds, written without loss."""

import json
import time

import pytest

from wherry.oci.codec import InvalidDocument
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.documents import MAXIMUM_SIZE, dump_document, load_document
from wherry.oci.image_config import ImageConfig
from wherry.oci.index import Index
from wherry.oci.manifest import Manifest
from wherry.oci.timestamps import (
    ZERO,
    ZERO_TEXT,
    InvalidTimestamp,
    format_timestamp,
    parse_timestamp,
)

HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
CONFIG: dict[str, object] = {
    "architecture": "amd64",
    "os": "linux",
    "config": {"Env": ["A=1"], "Cmd": ["sh"], "Entrypoint": [], "Hostname": "h", "Future": [1]},
    "rootfs": {"type": "layers", "diff_ids": [f"sha256:{HEX}"]},
    "history": [{"created_by": "RUN x", "empty_layer": True}],
    "moby.buildkit.buildinfo.v1": "e30=",
}


def test_what_a_configuration_does_not_know_is_written_again() -> None:
    config = ImageConfig.from_bytes(dump_document(CONFIG))
    assert json.loads(config.to_bytes()) == CONFIG
    assert config.config.cmd == ("sh",)
    assert config.config.entrypoint == ()  # not None: an empty entrypoint was asked for
    assert config.config.shell is None


def test_a_null_from_go_is_the_same_as_nothing() -> None:
    config = ImageConfig.from_bytes(
        b'{"config":{"Env":null,"Cmd":null,"Volumes":null},"history":null,'
        b'"rootfs":{"type":"layers","diff_ids":null}}'
    )
    assert config.config.env == ()
    assert config.config.cmd is None
    assert config.rootfs.diff_ids == ()


def test_every_fault_is_named_by_its_path() -> None:
    data = dump_document(
        {"config": {"Env": ["a", 1], "User": 5}, "rootfs": {"type": "layers", "diff_ids": ["x"]}}
    )
    with pytest.raises(InvalidDocument) as caught:
        ImageConfig.from_bytes(data)
    for path in ("config.Env[1]", "config.User", "rootfs.diff_ids[0]"):
        assert path in caught.value.message


@pytest.mark.parametrize("brackets", ["[" * 100_000, '{"a":' * 100_000, '["' + '\\"[' * 100_000])
def test_a_hundred_thousand_levels_are_refused_at_once(brackets: str) -> None:
    started = time.monotonic()
    with pytest.raises(InvalidDocument):
        load_document(brackets.encode(), "Manifest")
    assert time.monotonic() - started < 2


def test_brackets_inside_strings_are_no_depth() -> None:
    assert load_document(dump_document(["[" * 5000, '"' + "{" * 5000]), "Index")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is not JSON"),
        (b"{} x", "is not JSON"),
        (b"\xff", "is not UTF-8 at byte 0"),
        (b"NaN", "NaN is not a JSON value"),
        (b"9" * 5000, "is not JSON"),
        (b" " * (MAXIMUM_SIZE + 1), "is larger than"),
    ],
)
def test_what_is_no_document_is_refused_in_one_line(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load_document(data, "Manifest")
    assert problem in caught.value.message
    assert "\n" not in caught.value.message


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    value = load_document(b'{"a":"x\\ud800y"}', "ImageConfig")
    assert value == {"a": "x\ufffdy"}
    assert load_document(b'"\\ud83d\\ude00"', "x") == "\U0001f600"


def test_a_manifest_and_an_index_are_read_and_written() -> None:
    config = Descriptor(media_type="c", digest=Digest(f"sha256:{HEX}"), size=2)
    manifest = Manifest(schema_version=2, media_type="m", config=config, layers=(config,))
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest
    index = Index(schema_version=2, manifests=(config,))
    assert Index.from_bytes(index.to_bytes()) == index


def test_another_schema_version_is_refused() -> None:
    with pytest.raises(InvalidDocument, match="schemaVersion: 1 is not supported"):
        Index.from_bytes(b'{"schemaVersion":1,"manifests":[]}')


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("2026-11-23T23:54:25.65413066Z", "2026-11-23T23:54:25.65413066Z"),
        ("2026-11-23T23:54:25Z", "2026-11-23T23:54:25Z"),
        ("2026-11-23T23:54:25.100+02:00", "2026-11-23T21:54:25.1Z"),
        ("1960-01-01T00:00:00.5Z", "1960-01-01T00:00:00.5Z"),
        ("2024-02-29T23:00:00-01:00", "2024-03-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
        (ZERO_TEXT, ZERO_TEXT),
    ],
)
def test_times_keep_their_nanoseconds(text: str, normal: str) -> None:
    assert format_timestamp(parse_timestamp(text)) == normal


def test_gos_zero_time() -> None:
    assert parse_timestamp(ZERO_TEXT) == ZERO


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2026-01-01T00:00:00", "2026-01-01T00:00:00+99:00"),
        *("2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z"),
        *("0000-01-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z"),
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidTimestamp):
        parse_timestamp(text)
