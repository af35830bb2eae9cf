"""What a new container is warned of: by Docker, limits that this kernel will not keep."""

import os

from wherry.engine.containers.complete import CGROUPS, is_cgroup2
from wherry.engine.containers.spec.security import missing_capabilities
from wherry.engine.images.resolve import ResolvedImage
from wherry.oci.container_config import ContainerConfig, ResourceLimits
from wherry.oci.platform import Platform
from wherry.store.tag_settings import warning_of

_RUNS = {"amd64": ("386",), "arm64": ("arm",)}  # besides their own


def create_warnings(config: ContainerConfig) -> list[str]:
    found = limit_warnings(config.limits)
    if config.network_mode == "host" and config.ports:
        found.append("Published ports are discarded when using host network mode")
    if missing := missing_capabilities(config):
        found.append(f"{', '.join(missing)}: not held on this host. Capabilities discarded.")
    if text := warning_of(config.image, os.environ):
        found.append(text)
    return found


def platform_warnings(config: ContainerConfig, image: ResolvedImage) -> list[str]:
    """Of an image for another machine, which was not asked for."""
    host, made_for = Platform.host(), image.config.platform
    fitting = ("", host.architecture, *_RUNS.get(host.architecture, ()))
    if config.platform or made_for.architecture in fitting:
        return []
    text = (
        f"The requested image's platform ({made_for}) does not match the detected host platform"
        f" ({host}) and no specific platform was requested"
    )
    return [text]


def limit_warnings(limits: ResourceLimits) -> list[str]:
    """What of `limits` is discarded, which `update` tells too."""
    found = []
    if limits.memory > 0 and limits.memory_swap != -1 and not _has_swap_limit():
        found.append(
            "Your kernel does not support swap limit capabilities or the cgroup is not mounted."
            " Memory limited without swap."
        )
    if limits.memory_swappiness is not None and is_cgroup2():
        found.append(
            "Your kernel does not support memory swappiness capabilities or the cgroup is not"
            " mounted. Memory swappiness discarded."
        )
    if limits.oom_kill_disable and is_cgroup2():
        found.append("Your kernel does not support OomKillDisable. OomKillDisable discarded.")
    elif limits.oom_kill_disable and limits.memory == 0:
        found.append(
            "OOM killer is disabled for the container, but no memory limit is set, this can"
            " result in the system running out of resources."
        )
    if limits.blkio_weight and not _has_io_weight():
        found.append(
            "Your kernel does not support Block I/O weight or the cgroup is not mounted."
            " Weight discarded."
        )
    return found


def _has_swap_limit() -> bool:
    return is_cgroup2() or _has("memory/memory.memsw.limit_in_bytes")


def _has(*files: str) -> bool:
    return any(os.path.exists(f"{CGROUPS}/{file}") for file in files)


def _has_io_weight() -> bool:
    """By what the root has: the files of weights themselves are in the groups below it alone."""
    if not is_cgroup2():
        return _has("blkio/blkio.weight", "blkio/blkio.bfq.io_serviced")
    with open(f"{CGROUPS}/cgroup.controllers") as file:
        return "io" in file.read().split()
