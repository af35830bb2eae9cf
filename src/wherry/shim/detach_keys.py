"""The keys that detach a terminal from its container: parsing them, finding them in the input."""

from wherry.errors import InvalidArgument

DEFAULT = "ctrl-p,ctrl-q"
_CONTROLS = {"@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "_": 31}


class InvalidDetachKeys(InvalidArgument):
    def __init__(self, keys: str, word: str) -> None:
        super().__init__(f"invalid detach keys ({keys}): Unknown character: '{word}'")


def parse_detach_keys(text: str) -> bytes:
    """The bytes of `ctrl-p,ctrl-q`; "" is the default."""
    keys = bytearray()
    for word in (text or DEFAULT).split(","):
        control = word.lower().removeprefix("ctrl-") if word.startswith("ctrl-") else ""
        if len(word) == 1 and word.isascii():
            keys += word.encode()
        elif word == "DEL":
            keys.append(127)
        elif len(control) == 1 and control in _CONTROLS:
            keys.append(_CONTROLS[control])
        elif len(control) == 1 and "a" <= word[-1] <= "z":
            keys.append(ord(control) - ord("a") + 1)
        else:
            raise InvalidDetachKeys(text, word)
    return bytes(keys)


class DetachFilter:
    """Lets input through, but holds what may become the sequence until the next byte tells."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self.held = 0  # how many of the keys were the last input
        self.found = False

    def feed(self, data: bytes) -> bytes:
        """What of `data` and of what was held goes to the container. After `found` nothing does."""
        if self.found or not self._keys:
            return b"" if self.found else data
        text = self._keys[: self.held] + data
        at = text.find(self._keys)
        if at >= 0:
            self.found = True
            return text[:at]
        self.held = next(
            length
            for length in range(min(len(self._keys) - 1, len(text)), -1, -1)
            if text.endswith(self._keys[:length])
        )
        return text[: len(text) - self.held]
