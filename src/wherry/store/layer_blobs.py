"""As which blobs layers came here: what a registry may have already under that digest.

The blob itself is not kept, since the layer is; who pushes the layer asks the registry for these
digests first, and packs it anew only if it has none of them.
"""

from sqlite3 import Connection

from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import DiffID, Digest

SCHEMA = """
CREATE TABLE layer_blobs (
    diff_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    PRIMARY KEY (diff_id, digest)
) WITHOUT ROWID
"""


def record_blob(connection: Connection, diff_id: DiffID, descriptor: Descriptor) -> None:
    """Remember that this blob, whose digest was verified, holds the layer."""
    connection.execute(
        "INSERT OR REPLACE INTO layer_blobs VALUES (?, ?, ?, ?)",
        (str(diff_id), str(descriptor.digest), descriptor.size, descriptor.media_type),
    )


def blobs_of(connection: Connection, diff_id: DiffID) -> list[Descriptor]:
    """The blobs that are known to hold the layer."""
    rows = connection.execute(
        "SELECT * FROM layer_blobs WHERE diff_id = ? ORDER BY digest", (str(diff_id),)
    )
    return [
        Descriptor(media_type=row["media_type"], digest=Digest(row["digest"]), size=row["size"])
        for row in rows
    ]


def forget_blobs_of_gone_layers(connection: Connection) -> None:
    connection.execute("DELETE FROM layer_blobs WHERE diff_id NOT IN (SELECT diff_id FROM layers)")
