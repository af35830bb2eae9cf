"""Streams of progress: objects of JSON, each ended by CR LF as Docker ends it."""

from wherry.api.call import json_bytes
from wherry.api.streaming import Tell
from wherry.errors import WherryError
from wherry.oci.digest import DiffID

_STEP = 1 << 19  # bytes between two messages on one layer


def progress(message: dict[str, object]) -> bytes:
    """A line of the stream."""
    return json_bytes(message).rstrip() + b"\r\n"


def progress_error(error: WherryError) -> bytes:
    """The last line of one that fails after its beginning."""
    text = error.message
    return progress({"errorDetail": {"message": text}, "error": text})


class Loading:
    """Tells how far the layers of a load are; called from the threads that take them in."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: dict[DiffID, int] = {}

    def __call__(self, layer: DiffID, current: int, total: int) -> None:
        if current - self._told.get(layer, -_STEP) < _STEP and current != total:
            return
        self._told[layer] = current
        detail = {"current": current, "total": total}
        self._tell(
            progress({"status": "Loading layer", "progressDetail": detail, "id": layer.short})
        )
