"""Text as Go prints it, in messages that users compare with Docker's."""

_NAMED = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def quoted(text: str, *, ascii_only: bool = False) -> str:
    """`text` in double quotes: the verbs %q and, with `ascii_only`, %+q (strconv.Quote)."""
    return '"' + "".join(_escaped(character, ascii_only) for character in text) + '"'


def reason(error: OSError) -> str:
    """What the kernel said, without its file: the C library's words, the first letter small."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def _escaped(character: str, ascii_only: bool) -> str:
    named = _NAMED.get(character)
    if named is not None:
        return named
    if character.isprintable() and (character.isascii() or not ascii_only):
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, kept by surrogateescape
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
