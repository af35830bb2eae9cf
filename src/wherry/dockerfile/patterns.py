"""Shell patterns in ${NAME#pattern} and its like: `*`, `?` and backslashes, no brackets."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern


class BadPattern(Exception):
    pass


def trim_prefix(pattern: str, value: str, *, greedy: bool) -> str:
    """`value` without the shortest, or longest, beginning that matches."""
    match = _compile(pattern, greedy=greedy).match(value)
    return value[match.end() :] if match else value


def trim_suffix(pattern: str, value: str, *, greedy: bool) -> str:
    """`value` without the shortest, or longest, end that matches."""
    # Expressions find what is leftmost, so both are turned round.
    return trim_prefix(_reversed(pattern), value[::-1], greedy=greedy)[::-1]


def replace_pattern(pattern: str, replacement: str, value: str, *, everywhere: bool) -> str:
    """`value` with `replacement` for the first match, or for all."""
    parts: list[str] = []
    copied = 0
    for match in _compile(pattern, greedy=True).finditer(value):
        if parts and match.start() == match.end() == copied:
            continue  # Go does not count an empty match right behind another
        parts += [value[copied : match.start()], replacement]
        copied = match.end()
        if not everywhere:
            break
    return "".join(parts) + value[copied:]


def _compile(pattern: str, *, greedy: bool) -> "Pattern[str]":
    import re  # here alone: few Dockerfiles have any

    parts: list[str] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        following = pattern[at + 1 : at + 2]
        at += 1
        if character == "*":
            # Several stars are one: a chain of them would only take time to fail.
            if not (parts and parts[-1].startswith(".*")):
                parts.append(".*" if greedy else ".*?")
        elif character == "?":
            parts.append(".")
        elif character != "\\":
            parts.append(re.escape(character))
        elif following not in ("}", "/"):  # these are escaped for the sake of ${}
            if following not in ("*", "?", "\\") or not following:
                raise BadPattern(f"invalid escape '\\{following or chr(0xFFFD)}'")
            parts.append(re.escape(following))
            at += 1
    return re.compile("".join(parts))


def _reversed(pattern: str) -> str:
    """The pattern from its end, escapes kept before what they escape."""
    import re

    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    return "".join(reversed(pieces))
