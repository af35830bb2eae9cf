"""Names of images: what people type, and the full name it stands for.

    busybox                     docker.io/library/busybox          (then :latest)
    ghcr.io/org/app:1.2         itself
    localhost:5000/app@sha256:  itself, by digest

    reference = [domain "/"] path [":" tag] ["@" digest]

The grammar is the distribution project's and the shortening is Docker's; so are the words of
the errors, https://github.com/distribution/reference.
"""

import re

from wherry.errors import InvalidArgument
from wherry.oci.digest import Digest, InvalidDigest
from wherry.values import dataclass, replace

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
_LEGACY_DEFAULT_DOMAIN = "index.docker.io"
_OFFICIAL = "library/"
_LONGEST_PATH = 255

_ALPHANUMERIC = r"[a-z0-9]+"
_SEPARATOR = r"(?:[._]|__|-+)"
_COMPONENT = rf"{_ALPHANUMERIC}(?:{_SEPARATOR}{_ALPHANUMERIC})*"
_PATH = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_DOMAIN_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*|\[[a-fA-F0-9:]+\])"
_DOMAIN = rf"{_HOST}(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(rf"({_DOMAIN})/({_PATH})(?::({_TAG}))?(?:@({_DIGEST}))?")
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_TAG_ALONE = re.compile(_TAG)


class InvalidReference(InvalidArgument):
    def __init__(self, text: str, message: str = "invalid reference format") -> None:
        super().__init__(message)
        self.text = text


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of an image; `domain` and `path` are always there, in full."""

    domain: str
    path: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """The reference that `text` stands for, or InvalidReference. No tag is added."""
        if _IDENTIFIER.fullmatch(text):
            raise InvalidReference(
                text,
                f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings",
            )
        domain, remainder = _split_domain(text)
        path = remainder.partition(":")[0]
        if path.lower() != path:
            raise InvalidReference(
                text,
                f"invalid reference format: repository name ({path}) must be lowercase",
            )
        return cls._parse_full(text, f"{domain}/{remainder}")

    @classmethod
    def _parse_full(cls, text: str, full: str) -> "Reference":
        match = _REFERENCE.fullmatch(full)
        if match is None:
            raise InvalidReference(text)
        domain, path, tag, digest = match.groups()
        if len(path) > _LONGEST_PATH:
            raise InvalidReference(
                text, f"repository name must not be more than {_LONGEST_PATH} characters"
            )
        try:
            return cls(domain, path, tag, Digest(digest) if digest else None)
        except InvalidDigest as error:
            raise InvalidReference(text, error.message) from error

    @property
    def name(self) -> str:
        """Domain and path: `docker.io/library/busybox`."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """The name as Docker prints it: `busybox`."""
        if self.domain != DEFAULT_DOMAIN:
            return self.name
        official = self.path.removeprefix(_OFFICIAL)
        return official if "/" not in official else self.path

    @property
    def full(self) -> str:
        """Everything: `docker.io/library/busybox:latest`."""
        return self.name + self._suffix

    @property
    def _suffix(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return tag + (f"@{self.digest}" if self.digest else "")

    @property
    def is_name_only(self) -> bool:
        return self.tag is None and self.digest is None

    def with_default_tag(self) -> "Reference":
        """Itself, or with `latest` where it has neither tag nor digest."""
        return self.with_tag(DEFAULT_TAG) if self.is_name_only else self

    def with_tag(self, tag: str) -> "Reference":
        """The same name with `tag`, without digest; InvalidReference unless it is a tag."""
        if not _TAG_ALONE.fullmatch(tag):
            raise InvalidReference(tag, "invalid tag format")
        return replace(self, tag=tag, digest=None)

    def with_digest(self, digest: Digest) -> "Reference":
        """The same name with `digest`, without tag."""
        return replace(self, tag=None, digest=digest)

    def __str__(self) -> str:
        """The familiar form: `busybox:latest`."""
        return self.familiar_name + self._suffix


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    # A first part is a host if it could not be a path: a dot, a port, a capital, or localhost.
    is_host = slash and (
        "." in first or ":" in first or first == "localhost" or first.lower() != first
    )
    domain, remainder = (first, rest) if is_host else (DEFAULT_DOMAIN, text)
    if domain == _LEGACY_DEFAULT_DOMAIN:
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in remainder:
        remainder = _OFFICIAL + remainder
    return domain, remainder
