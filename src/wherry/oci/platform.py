"""Platforms: operating system, architecture and its variant, in Go's words.

Spelling and matching follow containerd, whose words Docker shows,
https://github.com/containerd/platforms.
"""

import os
import re
from collections.abc import Iterator

from wherry.errors import InvalidArgument
from wherry.go_text import quoted
from wherry.values import dataclass, field, replace

_COMPONENT = re.compile(r"[A-Za-z0-9_.-]+")
# fmt: off
_SYSTEMS = frozenset({
    "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux",
    "nacl", "netbsd", "openbsd", "plan9", "solaris", "windows", "zos",
})
_ARCHITECTURES = frozenset({
    "386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "ppc64", "ppc64le",
    "loong64", "mips", "mipsle", "mips64", "mips64le", "mips64p32", "mips64p32le", "ppc",
    "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64", "wasm",
})
# fmt: on
_SPELLINGS = {
    "i386": ("386", ""),
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
_MACHINES = {
    "i686": ("386", ""),
    "armv8l": ("arm", "v8"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "loongarch64": ("loong64", ""),
}
# What one processor also runs, best first.
_ARM_VARIANTS = ("v8", "v7", "v6", "v5")


class InvalidPlatform(InvalidArgument):
    def __init__(self, text: str, problem: str) -> None:
        super().__init__(f"{quoted(text)}: {problem}: invalid argument")
        self.text = text


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """A platform as image indexes and configurations name it."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = field(default="", metadata={"json": "os.version"})
    os_features: tuple[str, ...] = field(default=(), metadata={"json": "os.features"})
    extra: dict[str, object] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, text: str) -> "Platform":
        """The platform that `linux/arm64/v8`, `linux` or `arm64` names, normalised."""
        parts = text.split("/")
        for part in parts:
            if not _COMPONENT.fullmatch(part):
                raise InvalidPlatform(
                    text,
                    f"{quoted(part)} is an invalid component of {quoted(text)}: platform "
                    f'specifier component must match "^{_COMPONENT.pattern}$"',
                )
        if len(parts) == 1:
            return _parse_word(text)
        if len(parts) > 3:
            raise InvalidPlatform(text, "cannot parse platform specifier")
        variant = parts[2] if len(parts) == 3 else ""
        return cls(os=parts[0], architecture=parts[1], variant=variant).normalised

    @classmethod
    def host(cls) -> "Platform":
        """The platform of this machine."""
        machine = os.uname().machine
        architecture, variant = _MACHINES.get(machine, (machine, ""))
        return cls(os="linux", architecture=architecture, variant=variant).normalised

    @property
    def normalised(self) -> "Platform":
        """The same with the one spelling that compares equal."""
        system = {"macos": "darwin", "": "linux"}.get(self.os.lower(), self.os.lower())
        architecture = self.architecture.lower()
        variant = self.variant.lower()
        if architecture in _SPELLINGS:
            architecture, default = _SPELLINGS[architecture]
            variant = default or variant
        return replace(
            self, os=system, architecture=architecture, variant=_plain(architecture, variant)
        )

    def runs(self, image: "Platform") -> bool:
        """Whether a machine of this platform runs `image` without emulation."""
        return self.rank(image) is not None

    def rank(self, image: "Platform") -> int | None:
        """How well `image` suits this machine: 0 is best, None not at all."""
        wanted = _key(image.normalised)
        for rank, candidate in enumerate(_runnable(self.normalised)):
            if wanted == candidate:
                return rank
        return None

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


_Key = tuple[str, str, str]


def _key(platform: Platform) -> _Key:
    return (platform.os, platform.architecture, platform.variant)


def _runnable(platform: Platform) -> Iterator[_Key]:
    system, architecture, variant = _key(platform)
    yield (system, architecture, variant)
    if architecture == "amd64":
        level = int(variant[1:]) if re.fullmatch(r"v[2-9]", variant) else 1
        yield from ((system, "amd64", f"v{lower}") for lower in range(level - 1, 1, -1))
        if level > 1:
            yield (system, "amd64", "")
        yield (system, "386", "")
    elif architecture == "arm64":
        yield from ((system, "arm", lower) for lower in _ARM_VARIANTS)
    elif architecture == "arm" and variant in _ARM_VARIANTS:
        below = _ARM_VARIANTS[_ARM_VARIANTS.index(variant) + 1 :]
        yield from ((system, "arm", lower) for lower in below)


def _plain(architecture: str, variant: str) -> str:
    if architecture == "arm64":
        return "" if variant in ("8", "v8", "v8.0") else variant
    if architecture == "amd64":
        return "" if variant == "v1" else variant
    if architecture == "arm":
        return {"": "v7", "5": "v5", "6": "v6", "7": "v7", "8": "v8"}.get(variant, variant)
    return variant


def _parse_word(text: str) -> Platform:
    host = Platform.host()
    if text.lower() in _SYSTEMS or text.lower() == "macos":
        return replace(host, os=text).normalised
    platform = Platform(os=host.os, architecture=text).normalised
    if platform.architecture not in _ARCHITECTURES:
        raise InvalidPlatform(text, "unknown operating system or architecture")
    return platform
