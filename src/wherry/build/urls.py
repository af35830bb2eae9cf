"""Which words name something that is not on this machine."""


def is_remote(text: str) -> bool:
    return text.startswith(("http://", "https://")) or is_git(text)


def is_git(text: str) -> bool:
    """Whether BuildKit takes the text for a git repository."""
    if text.startswith(("git://", "git@", "ssh://")):
        return True
    path = text.partition("#")[0]
    return text.startswith(("http://", "https://")) and path.endswith(".git")
