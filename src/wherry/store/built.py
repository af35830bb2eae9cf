"""Whether a Dockerfile was ever built here, asked without loading the store.

For the linter, which has more to say of one that was, and is in a hurry with all others: the
module in C takes 1 ms to load, the package around it 15.
"""

import os
from _sqlite3 import DatabaseError, connect

QUERY = "SELECT 1 FROM build_places WHERE instr(place, ?) LIMIT 1"


def key_of(dockerfile: str) -> str:
    """What the places of builds of this file have in them; see `build.contexts.OpenedContext`."""
    return f"\0{os.path.realpath(dockerfile)}\0"


def was_built(root: str, dockerfile: str) -> bool:
    """False too where nothing can be read."""
    database = f"{root}/wherry.db"
    if not os.access(database, os.R_OK):
        return False
    try:
        connection = connect(f"file:{_quoted(database)}?mode=ro", uri=True)
        try:
            return connection.execute(QUERY, (key_of(dockerfile),)).fetchone() is not None
        finally:
            connection.close()
    except DatabaseError:  # another version's, or damaged: whoever needs it tells
        return False


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
