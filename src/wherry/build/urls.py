"""Which words name something that is not on this machine."""

_WEB = ("http://", "https://")


def is_remote(text: str) -> bool:
    return text.startswith(_WEB) or is_git(text)


def is_git(text: str) -> bool:
    """Whether BuildKit takes the text for a git repository."""
    if text.startswith(("git://", "git@", "ssh://")):
        return True
    path = text.partition("#")[0].partition("?")[0]
    return text.startswith(_WEB) and path.endswith(".git")


def is_on_github(text: str) -> bool:
    """Whether a build context that is no folder is a repository, as it was of old."""
    return text.startswith("github.com/")


def redacted(url: str) -> str:
    """The URL as messages show it: without a password."""
    front, at, rest = url.partition("@")
    scheme, mark, who = front.partition("://")
    name, colon, _ = who.partition(":")
    if not at or not mark or not colon or "/" in who:
        return url
    return f"{scheme}://{name}:xxxxx@{rest}"
