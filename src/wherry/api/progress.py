"""Streams of progress: objects of JSON, each ended by CR LF as Docker ends it."""

from wherry.api.call import json_bytes
from wherry.errors import WherryError


def progress(message: dict[str, object]) -> bytes:
    """A line of the stream."""
    return json_bytes(message).rstrip() + b"\r\n"


def progress_error(error: WherryError) -> bytes:
    """The last line of one that fails after its beginning."""
    text = error.message
    return progress({"errorDetail": {"message": text}, "error": text})
