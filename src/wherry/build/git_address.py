"""What a git URL means, in both of BuildKit's forms.

https://HOST/REPO.git#REF:FOLDER
https://HOST/REPO.git?ref=REF&subdir=FOLDER   also branch, tag, checksum, keep-git-dir, submodules
"""

from urllib.parse import parse_qsl, urlsplit, urlunsplit

from wherry.build.urls import is_on_github, redacted
from wherry.errors import InvalidArgument
from wherry.values import dataclass, replace

_TRUTHS = {"": True, "1": True, "t": True, "true": True, "0": False, "f": False, "false": False}


class InvalidGitAddress(InvalidArgument):
    def __init__(self, url: str, problem: str) -> None:
        super().__init__(f"invalid git address {redacted(url)}: {problem}")


@dataclass(frozen=True, slots=True)
class GitAddress:
    """A repository and what of it is wanted. `checksum` is how its commit begins."""

    remote: str
    reference: str = ""
    folder: str = ""
    checksum: str = ""
    keep_git: bool | None = None
    submodules: bool = True


def parse_git(text: str) -> GitAddress:
    """What a git URL means; InvalidGitAddress."""
    if is_on_github(text):
        text = f"https://{text}"
    front, _, fragment = text.partition("#")
    reference, _, folder = fragment.partition(":")
    address = GitAddress(front, reference, folder)
    if not text.startswith("git@"):
        parts = urlsplit(front)
        for key, value in parse_qsl(parts.query, keep_blank_values=True):
            address = _with_field(text, address, key, value)
        address = replace(address, remote=urlunsplit(parts._replace(query="")))
    for word in (address.remote, address.reference):
        if word.startswith("-"):
            raise InvalidGitAddress(text, f"{word} would be an option")
    if address.checksum and not set(address.checksum.lower()) <= set("0123456789abcdef"):
        raise InvalidGitAddress(text, f"invalid checksum {address.checksum}")
    return address


def _with_field(text: str, address: GitAddress, key: str, value: str) -> GitAddress:
    match key:
        case "ref" | "branch" | "tag":
            front = {"ref": "", "branch": "refs/heads/", "tag": "refs/tags/"}[key]
            wanted = value if value.startswith(front) else front + value
            if address.reference not in ("", wanted):
                raise InvalidGitAddress(text, f"ref conflicts: {address.reference} vs {wanted}")
            return replace(address, reference=wanted)
        case "subdir":
            if address.folder not in ("", value):
                raise InvalidGitAddress(text, f"subdir conflicts: {address.folder} vs {value}")
            return replace(address, folder=value)
        case "checksum" | "commit":
            return replace(address, checksum=value)
        case "keep-git-dir" | "submodules":
            truth = _TRUTHS.get(value.lower())
            if truth is None:
                raise InvalidGitAddress(text, f"invalid {key} value: {value}")
            if key == "submodules":
                return replace(address, submodules=truth)
            return replace(address, keep_git=truth)
    raise InvalidGitAddress(text, f'unexpected query "{key}"')
