"""`pip install` and what it installs."""

from wherry.lint.shell import Command

_WITH_VALUE = (
    *("abi", "b", "build", "e", "editable", "extra-index-url", "f", "find-links", "i"),
    *("index-url", "implementation", "no-binary", "only-binary", "platform", "prefix"),
    *("progress-bar", "proxy", "python", "python-version", "root", "src", "t", "target"),
    *("trusted-host", "upgrade-strategy", "root-user-action", "c"),
)


def installs(command: Command) -> bool:
    """Whether it is `pip install`, or `python -m pip install`."""
    if command.name.startswith("pip") and not command.name.startswith("pipenv"):
        return command.has_any("install")
    return command.name.startswith("python") and command.has_words_in_order("-m", "pip", "install")


def packages(command: Command) -> list[str]:
    """What it installs, as written."""
    words = [word.text for word in command.operands(*_WITH_VALUE)]
    if not command.name.startswith("pip"):
        words = words[words.index("pip") + 1 :] if "pip" in words else []
    return [word for word in words if word != "install"]
