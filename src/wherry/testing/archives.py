"""Image archives of a test's own, in the forms that other programs write, right or wrong."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence

OCI = "application/vnd.oci.image"


def tar(members: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """A tar of regular files and symbolic links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return buffer.getvalue()


def config_of(layers: Sequence[bytes], **extra: object) -> bytes:
    """An image configuration with the diff IDs of `layers`."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2020-01-02T03:04:05Z",
        "config": {"Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        "history": [{"created": "2020-01-02T03:04:05Z", "created_by": "test"} for _ in layers],
        **extra,
    }
    return json.dumps(document).encode()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def old_archive(layers: Sequence[bytes], *tags: str, config: bytes | None = None) -> bytes:
    """The docker-archive before version 25: a folder a layer, equal ones as links."""
    config = config or config_of(layers)
    members: dict[str, bytes] = {}
    links: dict[str, str] = {}
    names = []
    first: dict[bytes, str] = {}
    for number, layer in enumerate(layers):
        name = f"{number:064x}/layer.tar"
        names.append(name)
        if layer in first:
            links[name] = f"../{first[layer]}"
        else:
            first[layer] = name
            members[name] = layer
    manifest = [{"Config": f"{digest(config)[7:]}.json", "RepoTags": tags, "Layers": names}]
    members[f"{digest(config)[7:]}.json"] = config
    members["manifest.json"] = json.dumps(manifest).encode()
    return tar(members, links)


def oci_archive(
    layers: Sequence[bytes], changed: Mapping[str, bytes] | None = None, *, name: str = ""
) -> bytes:
    """An OCI layout with gzip layers; `changed` replaces members after all was computed."""
    config = config_of(layers)
    packed = [gzip.compress(layer, 1, mtime=0) for layer in layers]
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": _descriptor(f"{OCI}.config.v1+json", config),
        "layers": [_descriptor(f"{OCI}.layer.v1.tar+gzip", each) for each in packed],
    }
    data = json.dumps(manifest).encode()
    entry = _descriptor(f"{OCI}.manifest.v1+json", data)
    if name:
        entry["annotations"] = {"io.containerd.image.name": name}
    members = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode(),
    }
    for blob in (config, data, *packed):
        members[f"blobs/sha256/{digest(blob)[7:]}"] = blob
    return tar({**members, **(changed or {})})


def _descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}
