"""Documents as clients of older versions of the API expect them.

The engine's documents are those of the newest version. What that has dropped is added here for who
still reads it, what came since is left out where an old client would misread it. Each step names
the version that no longer needs it.
"""

from collections.abc import Mapping

from wherry.api.versions import Version, parse_version

Document = dict[str, object]

_1_25, _1_28, _1_42, _1_43, _1_44, _1_45, _1_48, _1_49, _1_50 = map(
    parse_version,
    ("1.25", "1.28", "1.42", "1.43", "1.44", "1.45", "1.48", "1.49", "1.50"),
)
_CONFIG_BEFORE_1_50: Document = {
    "Hostname": "",
    "Domainname": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Image": "",
}


def image_for(version: Version, document: Document) -> Document:
    """ImageInspect."""
    if version < _1_50:
        config = document.get("Config")
        if isinstance(config, Mapping):
            document["Config"] = {**_CONFIG_BEFORE_1_50, **config}
    if version < _1_45:
        document |= {"Container": "", "ContainerConfig": None}
    return with_virtual_size(version, document)


def with_virtual_size(version: Version, document: Document) -> Document:
    """An image's size under its other name."""
    if version < _1_44:
        document["VirtualSize"] = document["Size"]
    return document


def image_summary_for(version: Version, document: Document) -> Document:
    """ImageSummary; images without names were said to have one."""
    if version < _1_43:
        document["RepoTags"] = document["RepoTags"] or ["<none>:<none>"]
        document["RepoDigests"] = document["RepoDigests"] or ["<none>@<none>"]
    return with_virtual_size(version, document)


def container_for(version: Version, document: Document) -> Document:
    """ContainerInspect."""
    if version < _1_45:
        _add_short_id_to_aliases(document)
    return document


def _add_short_id_to_aliases(document: Document) -> None:
    short, config = str(document["Id"])[:12], document["Config"]
    hostname = config.get("Hostname") if isinstance(config, dict) else ""
    for name, endpoint in _endpoints(document).items():
        if name not in ("bridge", "host", "none", "default"):
            aliases = endpoint.get("Aliases")
            before = aliases if isinstance(aliases, list) else []
            endpoint["Aliases"] = list(dict.fromkeys([*before, short, *filter(None, [hostname])]))


def _endpoints(document: Document) -> dict[str, Document]:
    settings = document["NetworkSettings"]
    networks = settings.get("Networks") if isinstance(settings, dict) else None
    return networks if isinstance(networks, dict) else {}


def info_for(version: Version, document: Document) -> Document:
    """SystemInfo."""
    if version < _1_50:
        document |= {"BridgeNfIptables": False, "BridgeNfIp6tables": False}
    if version < _1_49:
        for key in ("ContainerdCommit", "RuncCommit", "InitCommit"):
            commit = document[key]
            if isinstance(commit, dict):
                document[key] = {**commit, "Expected": commit.get("ID", "")}
    if version < _1_48:
        registries = document["RegistryConfig"]
        if isinstance(registries, dict):
            document["RegistryConfig"] = {
                "AllowNondistributableArtifactsCIDRs": None,
                "AllowNondistributableArtifactsHostnames": None,
                **registries,
            }
    if version < _1_44:
        document.pop("CDISpecDirs", None)
    if version < _1_42:
        document |= {"KernelMemory": False, "KernelMemoryTCP": False}
        document |= {"ClusterStore": "", "ClusterAdvertise": ""}
    if version < _1_25:
        options = document["SecurityOptions"]
        if isinstance(options, list):  # which were words, and are pairs
            names = (str(option).partition(",")[0].removeprefix("name=") for option in options)
            document["SecurityOptions"] = list(names)
    return document


def usage_for(version: Version, document: Document) -> Document:
    """The answer of GET /system/df."""
    images, caches = document.get("Images"), document.get("BuildCache")
    for image in images if isinstance(images, list) else ():
        with_virtual_size(version, image)
    if version < _1_42 and isinstance(caches, list):
        document["BuilderSize"] = sum(int(cache["Size"]) for cache in caches)
        for cache in caches:
            parents = cache.pop("Parents", None)
            cache["Parent"] = parents[0] if parents else ""
    return document


def lists_members(version: Version) -> bool:
    """Whether GET /networks tells who is on each network; since then it is told of one alone."""
    return version < _1_28
