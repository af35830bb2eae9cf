"""Rows of images: the configuration, its layers, and the names people gave it.

    images        id is the digest of `config`, which is kept as the bytes that were hashed
    image_layers  the chain IDs of an image's layers, lowest first
    tags          full reference with a tag  -> image; moves, unless it is locked
    repo_digests  full reference with a digest -> image; never moves
    tag_log       every move of a tag, for good: what a tag pointed at, and when

Functions take a connection. Those that write expect to be called inside
`with store.database.write() as connection`, so that a load of several images with their tags
is one transaction; the layers of an image are in place before that.
"""

import _sqlite3 as sqlite3
import os
from collections.abc import Iterable, Iterator

from wherry.errors import Conflict, InvalidArgument, NotFound
from wherry.oci.digest import ChainID, Digest
from wherry.oci.image_config import ImageConfig
from wherry.oci.reference import InvalidReference, Reference
from wherry.store.tag_settings import immutable_by
from wherry.values import dataclass

SCHEMA = """
CREATE TABLE images (
    id TEXT PRIMARY KEY,
    config BLOB NOT NULL,
    manifest BLOB,
    parent_id TEXT NOT NULL,
    created_ns INTEGER NOT NULL,
    added_ns INTEGER NOT NULL,
    size INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX images_by_parent ON images (parent_id);
CREATE TABLE image_layers (
    image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    chain_id TEXT NOT NULL,
    PRIMARY KEY (image_id, position)
) WITHOUT ROWID;
CREATE INDEX image_layers_by_chain ON image_layers (chain_id);
CREATE TABLE tags (
    name TEXT PRIMARY KEY,
    image_id TEXT NOT NULL REFERENCES images (id),
    tagged_ns INTEGER NOT NULL,
    locked INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX tags_by_image ON tags (image_id);
CREATE TABLE repo_digests (
    name TEXT PRIMARY KEY,
    image_id TEXT NOT NULL REFERENCES images (id)
) WITHOUT ROWID;
CREATE INDEX repo_digests_by_image ON repo_digests (image_id);
CREATE TABLE tag_log (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ns INTEGER NOT NULL,
    name TEXT NOT NULL,
    image_id TEXT,
    reason TEXT NOT NULL
);
CREATE INDEX tag_log_by_name ON tag_log (name, number)
"""

NO_TIME = -(1 << 63)  # created_ns of an image that says none, or one too long ago for the column
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredImage:
    """An image that is here. `document` is its configuration as it was hashed."""

    id: Digest
    document: bytes
    size: int
    created_ns: int
    added_ns: int
    parent_id: Digest | None = None
    manifest: bytes | None = None

    @property
    def config(self) -> ImageConfig:
        """The configuration, parsed at each call."""
        return ImageConfig.from_bytes(self.document)


@dataclass(frozen=True, kw_only=True, slots=True)
class TagMove:
    """One line of the tag log; no image when the tag was taken away."""

    name: str
    image_id: Digest | None
    time_ns: int
    reason: str


class NoSuchImage(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"No such image: {name}")
        self.name = name


class AmbiguousImage(InvalidArgument):
    def __init__(self, prefix: str) -> None:
        super().__init__(f"Multiple IDs found with provided prefix: {prefix}")
        self.prefix = prefix


class TagLocked(Conflict):
    def __init__(self, name: Reference, image_id: Digest) -> None:
        super().__init__(
            f"tag {name} is locked to image {image_id.short}",
            hint=f"to move it, unlock it first: wherry tag --unlock {name}",
        )
        self.name = name


class TagImmutable(Conflict):
    def __init__(self, name: Reference, image_id: Digest, pattern: str) -> None:
        super().__init__(
            f"tag {name} is immutable: it stays on image {image_id.short}",
            hint=f'tags.immutable in the configuration has "{pattern}"',
        )
        self.name = name


def restore_document(connection: sqlite3.Connection, image_id: Digest, document: bytes) -> None:
    """Put the configuration, whose digest the caller has verified, in place of a damaged one."""
    connection.execute("UPDATE images SET config = ? WHERE id = ?", (document, str(image_id)))


def forget_manifest(connection: sqlite3.Connection, image_id: Digest) -> None:
    """Let the image be one that was made here: a push gives it a new manifest."""
    connection.execute("UPDATE images SET manifest = NULL WHERE id = ?", (str(image_id),))


def shared_sizes(connection: sqlite3.Connection) -> dict[Digest, int]:
    """Bytes of each image in layers that other images have, too; of those that share any."""
    rows = connection.execute(
        """
        SELECT image_id, sum(size) FROM image_layers JOIN layers USING (chain_id)
        WHERE chain_id IN (
            SELECT chain_id FROM image_layers GROUP BY chain_id HAVING count(DISTINCT image_id) > 1
        )
        GROUP BY image_id
        """
    )
    return {Digest(image_id): size for image_id, size in rows}


def insert_image(
    connection: sqlite3.Connection, image: StoredImage, chain_ids: Iterable[ChainID]
) -> bool:
    """Make the image exist; False if it did already."""
    cursor = connection.execute(
        "INSERT OR IGNORE INTO images VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            str(image.id),
            image.document,
            image.manifest,
            str(image.parent_id or ""),
            image.created_ns,
            image.added_ns,
            image.size,
        ),
    )
    if cursor.rowcount == 0:
        # One that was built or loaded here and now came from a registry: it has a manifest now.
        connection.execute(
            "UPDATE images SET manifest = ? WHERE id = ? AND manifest IS NULL",
            (image.manifest, str(image.id)),
        )
        return False
    connection.executemany(
        "INSERT INTO image_layers VALUES (?, ?, ?)",
        ((str(image.id), position, str(chain)) for position, chain in enumerate(chain_ids)),
    )
    return True


def delete_image(connection: sqlite3.Connection, image_id: Digest) -> None:
    """Forget the image, which has no names any more. Its layers may be garbage from here on."""
    connection.execute("DELETE FROM images WHERE id = ?", (str(image_id),))


def set_tag(
    connection: sqlite3.Connection, name: Reference, image_id: Digest, now_ns: int, reason: str
) -> Digest | None:
    """Point the tag at the image; the image that it named until now, if another one.

    Raises TagLocked or TagImmutable if it is another one and the tag must not move.
    """
    assert name.tag is not None
    previous = _tagged(connection, name.full)
    if previous not in (None, image_id) and (refusal := refusal_to_move(connection, name)):
        raise refusal
    connection.execute(
        "INSERT INTO tags (name, image_id, tagged_ns) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
        " SET image_id = excluded.image_id, tagged_ns = excluded.tagged_ns",
        (name.full, str(image_id), now_ns),
    )
    if previous == image_id:
        return None
    _log_move(connection, name.full, image_id, now_ns, reason)
    return previous


def refusal_to_move(connection: sqlite3.Connection, name: Reference) -> Conflict | None:
    """Why the tag must stay on the image that it names; None if it may move, or names none."""
    row = connection.execute(
        "SELECT image_id, locked FROM tags WHERE name = ?", (name.full,)
    ).fetchone()
    if row is None:
        return None
    image_id = Digest(row["image_id"])
    if row["locked"]:
        return TagLocked(name, image_id)
    pattern = immutable_by(name, os.environ)
    return TagImmutable(name, image_id, pattern) if pattern else None


def add_repo_digest(connection: sqlite3.Connection, name: Reference, image_id: Digest) -> None:
    """Record that the image was found in a registry under this name and digest."""
    connection.execute(
        "INSERT OR REPLACE INTO repo_digests VALUES (?, ?)", (name.full, str(image_id))
    )


def remove_name(
    connection: sqlite3.Connection, name: Reference, now_ns: int, *, force: bool = False
) -> bool:
    """Take a tag or a repository digest away; False if it was not there.

    Raises TagLocked, unless `force`, if the tag is locked.
    """
    if name.digest is not None:
        cursor = connection.execute(
            "DELETE FROM repo_digests WHERE name = ?", (_by_digest(name).full,)
        )
        return cursor.rowcount > 0
    if not force:
        _check_unlocked(connection, name)
    cursor = connection.execute("DELETE FROM tags WHERE name = ?", (name.full,))
    if cursor.rowcount > 0:
        _log_move(connection, name.full, None, now_ns, "untag")
    return cursor.rowcount > 0


def set_locked(connection: sqlite3.Connection, name: Reference, *, locked: bool) -> None:
    """Let the tag stay where it is from now on, or let it go; NoSuchImage if there is none."""
    cursor = connection.execute(
        "UPDATE tags SET locked = ? WHERE name = ?", (int(locked), name.full)
    )
    if cursor.rowcount == 0:
        raise NoSuchImage(str(name))


def locked_tags(connection: sqlite3.Connection) -> set[str]:
    """The full names of the tags that must not move."""
    return {row["name"] for row in connection.execute("SELECT name FROM tags WHERE locked")}


def find_image(connection: sqlite3.Connection, name: str) -> StoredImage:
    """The image of this reference, full ID or unambiguous ID prefix, in Docker's order.

    Raises InvalidReference, NoSuchImage, AmbiguousImage.
    """
    image_id = _full_id(name)
    if image_id is not None:
        return image_of_id(connection, image_id)
    try:
        reference = Reference.parse(name).with_default_tag()
    except InvalidReference:
        if not _is_prefix(name):
            raise
        found = None
    else:
        found = image_named(connection, reference)
    if found is None:
        found = _image_of_prefix(connection, name)
    if found is None:
        raise NoSuchImage(str(Reference.parse(name).with_default_tag()))
    return found


def image_named(connection: sqlite3.Connection, reference: Reference) -> StoredImage | None:
    """The image that this tag, or this digest, names; a digest outdoes a tag beside it."""
    if reference.digest is not None:
        row = connection.execute(
            "SELECT images.* FROM repo_digests JOIN images ON images.id = image_id WHERE name = ?",
            (_by_digest(reference).full,),
        ).fetchone()
    else:
        row = connection.execute(
            "SELECT images.* FROM tags JOIN images ON images.id = image_id WHERE name = ?",
            (reference.full,),
        ).fetchone()
    return None if row is None else _image(row)


def image_of_id(connection: sqlite3.Connection, image_id: Digest) -> StoredImage:
    """The image with exactly this ID, or NoSuchImage."""
    row = connection.execute("SELECT * FROM images WHERE id = ?", (str(image_id),)).fetchone()
    if row is None:
        raise NoSuchImage(str(image_id))
    return _image(row)


def list_images(connection: sqlite3.Connection) -> Iterator[StoredImage]:
    """Every image, newest first as Docker lists them."""
    rows = connection.execute("SELECT * FROM images ORDER BY created_ns DESC, id")
    return map(_image, rows)


def names_of(connection: sqlite3.Connection, image_id: Digest) -> list[Reference]:
    """The image's tags, then its repository digests, each in order."""
    rows = connection.execute(
        "SELECT name, 0 AS kind FROM tags WHERE image_id = ?1"
        " UNION ALL SELECT name, 1 FROM repo_digests WHERE image_id = ?1 ORDER BY kind, name",
        (str(image_id),),
    )
    return [Reference.parse(row["name"]) for row in rows]


def tags_in_repository(connection: sqlite3.Connection, repository: Reference) -> list[Reference]:
    """The tags that the repository has here, in order."""
    start = f"{repository.name}:"
    rows = connection.execute(
        "SELECT name FROM tags WHERE substr(name, 1, ?) = ? ORDER BY name", (len(start), start)
    )
    return [Reference.parse(row["name"]) for row in rows]


def all_names(connection: sqlite3.Connection) -> dict[Digest, list[Reference]]:
    """`names_of` every image that has one."""
    names: dict[Digest, list[Reference]] = {}
    for row in connection.execute(
        "SELECT name, image_id, 0 AS kind FROM tags"
        " UNION ALL SELECT name, image_id, 1 FROM repo_digests ORDER BY kind, name"
    ):
        names.setdefault(Digest(row["image_id"]), []).append(Reference.parse(row["name"]))
    return names


def layers_of(connection: sqlite3.Connection, image_id: Digest) -> list[ChainID]:
    """The chain IDs of the image's layers, lowest first."""
    rows = connection.execute(
        "SELECT chain_id FROM image_layers WHERE image_id = ? ORDER BY position", (str(image_id),)
    )
    return [ChainID(row["chain_id"]) for row in rows]


def children_of(connection: sqlite3.Connection, image_id: Digest) -> list[Digest]:
    """The images made here on top of this one, by commit or build."""
    rows = connection.execute("SELECT id FROM images WHERE parent_id = ?", (str(image_id),))
    return [Digest(row["id"]) for row in rows]


def images_with_children(connection: sqlite3.Connection) -> set[Digest]:
    """The images that others were made on top of."""
    rows = connection.execute("SELECT DISTINCT parent_id FROM images WHERE parent_id != ''")
    return {Digest(row["parent_id"]) for row in rows}


def last_tagged_ns(connection: sqlite3.Connection, image_id: Digest) -> int | None:
    """When a tag was last put on the image here."""
    (moment,) = connection.execute(
        "SELECT max(tagged_ns) FROM tags WHERE image_id = ?", (str(image_id),)
    ).fetchone()
    return None if moment is None else int(moment)


def moves_of_tag(connection: sqlite3.Connection, name: Reference) -> list[TagMove]:
    """What the tag pointed at over time, oldest first."""
    rows = connection.execute("SELECT * FROM tag_log WHERE name = ? ORDER BY number", (name.full,))
    return [
        TagMove(
            name=row["name"],
            image_id=Digest(row["image_id"]) if row["image_id"] else None,
            time_ns=row["time_ns"],
            reason=row["reason"],
        )
        for row in rows
    ]


def is_id_prefix(image_id: Digest, text: str) -> bool:
    """Whether `text` is how this ID, and no name, begins."""
    return str(image_id).startswith(text) or image_id.hex.startswith(text)


def _image(row: sqlite3.Row) -> StoredImage:
    return StoredImage(
        id=Digest(row["id"]),
        document=row["config"],
        manifest=row["manifest"],
        parent_id=Digest(row["parent_id"]) if row["parent_id"] else None,
        created_ns=row["created_ns"],
        added_ns=row["added_ns"],
        size=row["size"],
    )


def _full_id(name: str) -> Digest | None:
    text = name.removeprefix("sha256:")
    return Digest(f"sha256:{text}") if len(text) == 64 and _HEX.issuperset(text) else None


def _is_prefix(name: str) -> bool:
    text = name.removeprefix("sha256:")
    return bool(text) and _HEX.issuperset(text)


def _image_of_prefix(connection: sqlite3.Connection, prefix: str) -> StoredImage | None:
    if not _is_prefix(prefix):
        return None
    start = "sha256:" + prefix.removeprefix("sha256:")
    rows = connection.execute(
        "SELECT * FROM images WHERE id >= ? AND id < ? LIMIT 2", (start, start + "g")
    ).fetchall()
    if len(rows) > 1:
        raise AmbiguousImage(prefix)
    return _image(rows[0]) if rows else None


def _by_digest(name: Reference) -> Reference:
    assert name.digest is not None
    return name.with_digest(name.digest)


def _tagged(connection: sqlite3.Connection, name: str) -> Digest | None:
    row = connection.execute("SELECT image_id FROM tags WHERE name = ?", (name,)).fetchone()
    return None if row is None else Digest(row["image_id"])


def _check_unlocked(connection: sqlite3.Connection, name: Reference) -> None:
    row = connection.execute(
        "SELECT image_id FROM tags WHERE name = ? AND locked", (name.full,)
    ).fetchone()
    if row is not None:
        raise TagLocked(name, Digest(row["image_id"]))


def _log_move(
    connection: sqlite3.Connection, name: str, image_id: Digest | None, now_ns: int, reason: str
) -> None:
    connection.execute(
        "INSERT INTO tag_log (time_ns, name, image_id, reason) VALUES (?, ?, ?, ?)",
        (now_ns, name, None if image_id is None else str(image_id), reason),
    )
