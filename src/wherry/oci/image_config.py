"""The image configuration: what a container of the image runs, its layers and their history.

https://github.com/opencontainers/image-spec/blob/main/config.md and, for `Healthcheck`,
`Shell`, `OnBuild`, `ArgsEscaped` and the rest that Docker keeps beside it, Docker's
image/spec/v1.2.md. The digest of the document is the image ID, so what a class here does not
know is kept in `extra` and written again.
"""

from wherry.oci.codec import from_json, pascal_case, to_json
from wherry.oci.digest import ChainID, DiffID, Digest, chain_ids
from wherry.oci.documents import dump_document, load_document
from wherry.oci.platform import Platform
from wherry.typed import ClassVar
from wherry.values import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthConfig:
    """A health check; durations are nanoseconds, 0 inherits, `test` starts with its kind."""

    JSON_CASE: ClassVar[object] = staticmethod(pascal_case)

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0
    extra: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerDefaults:
    """The `config` of an image: the defaults of its containers. None is not the same as ()."""

    JSON_CASE: ClassVar[object] = staticmethod(pascal_case)

    user: str = ""
    exposed_ports: dict[str, object] = field(default_factory=dict)
    env: tuple[str, ...] = ()
    cmd: tuple[str, ...] | None = None
    healthcheck: HealthConfig | None = None
    args_escaped: bool = False
    volumes: dict[str, object] = field(default_factory=dict)
    working_dir: str = ""
    entrypoint: tuple[str, ...] | None = None
    on_build: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    stop_signal: str = ""
    stop_timeout: int | None = None
    shell: tuple[str, ...] | None = None
    extra: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RootFS:
    type: str
    diff_ids: tuple[DiffID, ...] = field(metadata={"json": "diff_ids"})


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """One instruction of the build; `empty_layer` tells that it made no layer."""

    created: str | None = None
    created_by: str = field(default="", metadata={"json": "created_by"})
    author: str = ""
    comment: str = ""
    empty_layer: bool = field(default=False, metadata={"json": "empty_layer"})
    extra: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageConfig:
    architecture: str = ""
    os: str = ""
    variant: str = ""
    os_version: str = field(default="", metadata={"json": "os.version"})
    os_features: tuple[str, ...] = field(default=(), metadata={"json": "os.features"})
    created: str | None = None
    author: str = ""
    comment: str = ""
    docker_version: str = field(default="", metadata={"json": "docker_version"})
    config: ContainerDefaults = field(default_factory=ContainerDefaults)
    rootfs: RootFS
    history: tuple[History, ...] = ()
    extra: dict[str, object] = field(default_factory=dict)

    @classmethod
    def from_bytes(cls, data: bytes) -> "ImageConfig":
        """The configuration in `data`, or InvalidDocument naming every path that is wrong."""
        return from_json(cls, load_document(data, "ImageConfig"))

    def to_bytes(self) -> bytes:
        return dump_document(to_json(self))

    @property
    def chain_ids(self) -> list[ChainID]:
        """The chain ID after each layer, lowest first."""
        return chain_ids(self.rootfs.diff_ids)

    @property
    def platform(self) -> Platform:
        """Where the image runs; Docker takes an image without a word on it for linux."""
        return Platform(
            os=self.os or "linux",
            architecture=self.architecture,
            variant=self.variant,
            os_version=self.os_version,
            os_features=self.os_features,
        ).normalised


def image_id(config: bytes) -> Digest:
    """The ID of the image with this configuration document."""
    return Digest.of_bytes(config)
