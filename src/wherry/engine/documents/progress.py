"""Docker's message of a pull or push that goes on: JSONMessage."""

from wherry.engine.images.progress import Progress

# About the whole, not about a layer.
_WHOLE_TRANSFER = ("Pulling from ", "Digest: ", "Status: ", "The push refers ")


def progress_document(told: Progress) -> dict[str, object]:
    """What is said of a layer has details, if only empty ones."""
    document: dict[str, object] = {"status": told.status}
    if told.id:
        if told.total:
            document["progressDetail"] = {"current": told.current, "total": told.total}
        elif not told.status.startswith(_WHOLE_TRANSFER):
            document["progressDetail"] = {}
        document["id"] = told.id
    return document
