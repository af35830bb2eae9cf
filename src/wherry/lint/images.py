"""The parts of an image's name as it was written, variables and all."""

from wherry.lazy import regex
from wherry.values import dataclass

_BRACED = regex(r"\$\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class ImageName:
    """`domain` is empty for Docker Hub's short names, where a registry is not said."""

    domain: str
    path: str
    tag: str
    digest: str

    @classmethod
    def of(cls, text: str) -> "ImageName":
        name, _, digest = text.partition("@")
        first, slash, rest = name.partition("/")
        domain = ""
        if slash and not first.startswith("$") and ("." in first or ":" in first):
            domain, name = first, rest
        # A colon inside ${V:-x} is no tag's.
        bare = _BRACED.sub(lambda match: "_" * len(match[0]), name) if "${" in name else name
        colon = bare.find(":")
        path, tag = (name, "") if colon < 0 else (name[:colon], name[colon + 1 :])
        return cls(domain, path, tag, digest)
