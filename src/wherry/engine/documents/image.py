"""Docker's documents of an image: ImageInspect and ImageSummary."""

from wherry.oci.codec import to_json
from wherry.oci.digest import Digest
from wherry.oci.image_config import ContainerDefaults, ImageConfig
from wherry.oci.reference import Reference
from wherry.oci.timestamps import format_timestamp
from wherry.store.images import StoredImage

# Written even when empty, which clients rely on, https://github.com/moby/moby/issues/50134
_ALWAYS: dict[str, object] = {
    "Cmd": None,
    "Entrypoint": None,
    "Env": None,
    "Labels": None,
    "OnBuild": None,
    "User": "",
    "Volumes": None,
    "WorkingDir": "",
}
_LATER_THAN_1_49 = (
    "Hostname Domainname AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce Image"
    " NetworkDisabled MacAddress StopTimeout"
)
_NO_LONGER_SHOWN = frozenset(_LATER_THAN_1_49.split())
UNKNOWN = -1  # Docker's "not calculated"


def image_document(
    image: StoredImage,
    names: list[Reference],
    last_tagged_ns: int | None,
    layer_folders: list[str],
) -> dict[str, object]:
    """GET /images/{name}/json. `layer_folders` are where the layers are, lowest first."""
    config = image.config
    document: dict[str, object] = {
        "Id": str(image.id),
        "RepoTags": repo_tags(names),
        "RepoDigests": repo_digests(names),
        "Parent": str(image.parent_id or ""),
        "Comment": config.comment or (config.history[-1].comment if config.history else ""),
        "Created": config.created,
        "DockerVersion": config.docker_version,
        "Author": config.author,
        "Config": config_document(config.config),
        "Architecture": config.architecture,
        "Variant": config.variant,
        "Os": config.os,
        "OsVersion": config.os_version,
        "Size": image.size,
        "GraphDriver": {"Data": _overlay_folders(layer_folders), "Name": "overlay2"},
        "RootFS": _rootfs_document(config),
        "Metadata": {
            "LastTagTime": (
                "0001-01-01T00:00:00Z"
                if last_tagged_ns is None
                else format_timestamp(last_tagged_ns)
            )
        },
    }
    if config.created is None:
        del document["Created"]
    for key in ("Variant", "OsVersion"):
        if not document[key]:
            del document[key]
    return document


def config_document(config: ContainerDefaults) -> dict[str, object]:
    """The Config of an image, as API 1.50 shows it."""
    written = {k: v for k, v in to_json(config).items() if k not in _NO_LONGER_SHOWN}
    return dict(sorted({**_ALWAYS, **written}.items()))


def summary_document(
    image: StoredImage, names: list[Reference], containers: int = UNKNOWN
) -> dict[str, object]:
    """An entry of GET /images/json."""
    return {
        "Containers": containers,
        "Created": image.created_ns // 10**9,
        "Id": str(image.id),
        "Labels": image.config.config.labels or None,
        "ParentId": str(image.parent_id or ""),
        "RepoDigests": repo_digests(names),
        "RepoTags": repo_tags(names),
        "SharedSize": UNKNOWN,
        "Size": image.size,
    }


def deleted_document(deleted: Digest | str) -> dict[str, str]:
    """An entry of the answer to DELETE /images/{name}."""
    return {"Deleted": str(deleted)}


def untagged_document(name: Reference) -> dict[str, str]:
    return {"Untagged": str(name)}


def repo_tags(names: list[Reference]) -> list[str]:
    return [str(name) for name in names if name.digest is None]


def repo_digests(names: list[Reference]) -> list[str]:
    return [str(name) for name in names if name.digest is not None]


def _rootfs_document(config: ImageConfig) -> dict[str, object]:
    document: dict[str, object] = {"Type": config.rootfs.type}
    if config.rootfs.diff_ids:
        document["Layers"] = [str(diff_id) for diff_id in config.rootfs.diff_ids]
    return document


def _overlay_folders(layer_folders: list[str]) -> dict[str, str] | None:
    if not layer_folders:
        return None
    *lower, upper = layer_folders
    data = {"UpperDir": upper}
    if lower:
        data["LowerDir"] = ":".join(reversed(lower))
    return data
