"""Versions of the API: which are spoken, and what differs between them is asked of a `Version`."""

import re
from typing import NamedTuple

from wherry.engine.documents.version import API_VERSION, MINIMUM_API_VERSION
from wherry.errors import InvalidArgument


class Version(NamedTuple):
    """1.9 is before 1.24."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


def parse_version(text: str) -> Version:
    major, _, minor = text.partition(".")
    return Version(int(major), int(minor))


NEWEST = parse_version(API_VERSION)
OLDEST = parse_version(MINIMUM_API_VERSION)
# What skopeo, podman and buildah of some years ago say, whose `docker-daemon:` copies images.
OLDEST_FOR_IMAGES = parse_version("1.22")
PREFIX = re.compile(r"/v([0-9]{1,4}\.[0-9]{1,4})(?=/)")


class VersionTooOld(InvalidArgument):
    def __init__(self, version: Version) -> None:
        super().__init__(
            f"client version {version} is too old. Minimum supported API version is {OLDEST},"
            " please upgrade your client to a newer version"
        )


class VersionTooNew(InvalidArgument):
    def __init__(self, version: Version) -> None:
        super().__init__(
            f"client version {version} is too new. Maximum supported API version is {NEWEST}"
        )


def split_version(path: str) -> tuple[Version, str]:
    """The version that the path begins with, the newest if none, and the rest of the path."""
    found = PREFIX.match(path)
    if found is None:
        return NEWEST, path
    return parse_version(found.group(1)), path[found.end() :]


def check_spoken(version: Version, oldest: Version) -> None:
    """Raise VersionTooOld or VersionTooNew unless it is between `oldest` and the newest."""
    if version < oldest:
        raise VersionTooOld(version)
    if version > NEWEST:
        raise VersionTooNew(version)
