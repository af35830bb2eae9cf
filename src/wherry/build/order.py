"""What is asked of a build, and what it is carried out with."""

from collections.abc import Callable, Mapping
from pathlib import Path

from wherry.build.executor import Executor
from wherry.build.inputs import StepInputs
from wherry.build.progress import Report
from wherry.build.source_trees import SourceTree
from wherry.dockerfile.dockerfile import Dockerfile
from wherry.oci.digest import ChainID, Digest
from wherry.oci.image_config import ImageConfig
from wherry.oci.platform import Platform
from wherry.store.build_cache import CacheRecord
from wherry.store.layers import Layer
from wherry.store.leases import Lease
from wherry.store.store import Store
from wherry.values import dataclass, field

Take = Callable[["Workshop", StepInputs, Layer | None], CacheRecord | None]


def nothing_to_take(
    _workshop: "Workshop", _inputs: StepInputs, _parent: Layer | None
) -> CacheRecord | None:
    """What there is without --cache-from."""
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A value for --mount=type=secret; read when a step asks for it, never kept."""

    read: Callable[[], bytes]


@dataclass(frozen=True, kw_only=True)
class BuildOrder:
    """One build. `place` tells this Dockerfile from others: past builds of it are compared with."""

    dockerfile: Dockerfile
    context: SourceTree
    platform: Platform
    """What is built for."""
    build_platform: Platform
    """This machine's."""
    image_platform: Platform | None = None
    """Of images where FROM does not say; None takes what is here."""
    place: str = ""
    target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, "SourceTree | str"] = field(default_factory=dict)
    """Named contexts: trees, or names of images."""
    network: str = "default"
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    ssh: Mapping[str, Path] = field(default_factory=dict)
    """Sockets of agents by ID."""
    no_cache: bool = False
    no_cache_stages: frozenset[str] = frozenset()
    cache_layers: frozenset[ChainID] | None = None
    """The layers that the cache may give; None is all."""
    epoch_ns: int | None = None
    """SOURCE_DATE_EPOCH: no time in the image is later."""
    allow_insecure: bool = False
    allow_host_network: bool = False
    """Whether a RUN may ask for it; `network` is what the build's client asks for."""
    squash: bool = False
    """Whether the layers that the build adds are to be one."""
    shell_on_error: bool = False
    """Whether a failed RUN is followed by a shell in what it left."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Of every RUN (hosts, limits); those that a result may depend on."""

    def may_use(self, layer: ChainID) -> bool:
        """Whether the cache may give the layer."""
        return self.cache_layers is None or layer in self.cache_layers


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """An image that a stage begins with, or that is copied from. Lowest layer first."""

    name: str
    id: Digest | None
    config: ImageConfig
    layers: tuple[Layer, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """What builds are carried out with."""

    store: Store
    lease: Lease
    executor: Executor
    resolve: Callable[[str, Platform | None], Base]
    """The image of a name, fetched if need be."""
    report: Report
    take: Take = nothing_to_take
    """The record of a step that another machine has carried out, its layer put on that one."""
