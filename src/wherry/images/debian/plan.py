"""What is asked of mmdebstrap, and the files an image gets on top.

The image is Docker's debian image in kind: variant minbase, apt told to keep no caches and no
translations, services not started by package scripts, dpkg without fsync. The texts below are
those images' settings.
"""

import posixpath
from pathlib import Path

from wherry.errors import InvalidArgument
from wherry.images.debian.settings import Settings, without_password
from wherry.images.debian.sources import DISTRIBUTIONS, Distribution, Source
from wherry.oci.reference import Reference
from wherry.values import dataclass, field

VARIANTS = ("essential", "apt", "required", "minbase", "buildd", "important", "standard")
_SLIM = "-slim"
_RELEASES = {
    "9": "stretch",
    "10": "buster",
    "11": "bullseye",
    "12": "bookworm",
    "13": "trixie",
    "14": "forky",
    "20.04": "focal",
    "22.04": "jammy",
    "24.04": "noble",
    "26.04": "resolute",
}
_NEWEST = {"debian": "stable", "ubuntu": "noble"}
_CACHES = "/var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin"
_APT = "etc/apt/apt.conf.d"
_DOCKER_FILES = {
    f"{_APT}/docker-autoremove-suggests": 'Apt::AutoRemove::SuggestsImportant "false";\n',
    f"{_APT}/docker-clean": (
        f'DPkg::Post-Invoke {{ "rm -f {_CACHES} || true"; }};\n'
        f'APT::Update::Post-Invoke {{ "rm -f {_CACHES} || true"; }};\n'
        'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n'
    ),
    f"{_APT}/docker-gzip-indexes": 'Acquire::GzipIndexes "true";\n',
    f"{_APT}/docker-no-languages": 'Acquire::Languages "none";\n',
    "etc/dpkg/dpkg.cfg.d/docker-apt-speedup": "force-unsafe-io\n",
}
POLICY = "usr/sbin/policy-rc.d"
_POLICY = "#!/bin/sh\n# Packages do not start services in an image.\nexit 101\n"
_SLIM_OPTIONS = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/groff/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/linda/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/locale/*",
    "path-include=/usr/share/locale/locale.alias",
    "path-exclude=/usr/share/man/*",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What `bootstrap debian:bookworm-slim` asks for."""

    distribution: Distribution
    suite: str
    slim: bool = False
    variant: str = "minbase"
    include: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    content: bytes
    mode: int = 0o644


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The words of a command, and the files that must lie in its staging folder first."""

    sources: str
    overlay: dict[str, File]
    options: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    hooks: tuple[str, ...] = field(default=())


def parse_request(name: Reference, variant: str, include: tuple[str, ...]) -> Request:
    """The distribution and suite that an image's name asks for."""
    distribution = DISTRIBUTIONS.get(name.familiar_name)
    if distribution is None:
        raise InvalidArgument(
            f"{name.familiar_name} cannot be bootstrapped, only busybox, debian and ubuntu",
            hint="-t names the image otherwise: wherry bootstrap -t base debian:bookworm",
        )
    if variant not in VARIANTS:
        raise InvalidArgument(f"unknown variant {variant!r}, not one of {', '.join(VARIANTS)}")
    tag = name.tag or "latest"
    slim = tag == "slim" or tag.endswith(_SLIM)
    suite = tag.removesuffix("slim").removesuffix("-") if slim else tag
    if suite in ("", "latest"):
        suite = _NEWEST[distribution.name]
    return Request(
        distribution=distribution,
        suite=_RELEASES.get(suite, suite),
        slim=slim,
        variant=variant,
        include=include,
    )


def make_plan(request: Request, sources: list[Source], settings: Settings) -> Plan:
    """What to run for `request`, with packages from `sources`."""
    text = "\n".join(source.to_deb822() for source in sources)
    overlay = {path: File(content=text.encode()) for path, text in _DOCKER_FILES.items()}
    overlay[POLICY] = File(content=_POLICY.encode(), mode=0o755)
    if settings.options:
        lines = "".join(f"{line}\n" for line in settings.options)
        overlay[f"{_APT}/90machine"] = File(content=lines.encode())
    keys = [path for source in sources if (path := _key_file(request.distribution, source))]
    for path in (*settings.files, *keys):
        overlay[str(path).lstrip("/")] = File(content=path.read_bytes())
    if request.slim:
        excludes = "".join(f"{option}\n" for option in _SLIM_OPTIONS)
        overlay["etc/dpkg/dpkg.cfg.d/docker"] = File(content=excludes.encode())
    return Plan(
        sources=text,
        overlay=overlay,
        options=tuple(_options(request, sources, settings)),
        warnings=settings.warnings + tuple(_password_warnings(sources)),
        hooks=tuple(_hooks(request, settings)),
    )


def _options(request: Request, sources: list[Source], settings: Settings) -> list[str]:
    options = [f"--variant={request.variant}", "--format=tar", "--skip=output/dev"]
    options.append("--dpkgopt=force-unsafe-io")  # a failure leaves nothing anyhow
    options += [f"--include={package}" for package in request.include]
    if any(uri.startswith("https:") for source in sources for uri in source.uris):
        options.append("--include=ca-certificates")
    if request.slim:
        options += [f"--dpkgopt={option}" for option in _SLIM_OPTIONS]
    options += [f"--aptopt={line}" for line in (*settings.options, *settings.temporary)]
    return options


def _hooks(request: Request, settings: Settings) -> list[str]:
    """Shell that runs with the new root as $1, once the packages are there."""
    name = request.distribution.name
    hooks = [
        # Of the machine, not of the image; and what mmdebstrap keeps of its options.
        'rm -f "$1/etc/hostname" "$1/etc/resolv.conf"',
        'rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap" "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap"',
        'rm -f "$1"/var/cache/apt/*.bin',  # other bytes each time, and made again when needed
        f'cd "$1/etc/apt/sources.list.d" && mv 0000*.sources {name}.sources',
    ]
    if any(path.suffix == ".crt" for path in settings.files):
        hooks.append('chroot "$1" update-ca-certificates')
    return hooks


def _key_file(distribution: Distribution, source: Source) -> Path | None:
    """A key that no package of the image brings."""
    signed_by = source.options.get("Signed-By", "")
    if not signed_by.startswith("/") or posixpath.basename(signed_by) == distribution.keyring:
        return None
    path = Path(signed_by)
    return path if path.is_file() else None


def _password_warnings(sources: list[Source]) -> list[str]:
    return [
        f"the mirror {without_password(uri)} is kept in the image with its password"
        for source in sources
        for uri in source.uris
        if "@" in uri.partition("//")[2].partition("/")[0]
    ]
