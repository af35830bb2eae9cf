"""Layers: unpacked once, shared by every image and container that stands on them.

    layers/<id>/diff     the files, an overlay lower directory
    layers/<id>/tar.zst  the rest of the tar that they came in, see `tar_record`
    layers/l/<id>        link to ../<id>/diff: short, because a mount's options fit one page

A layer is known by its chain ID, that is together with all below it. It is unpacked under tmp,
synced, and renamed into place in the transaction that commits its row. Two processes that
register the same chain queue on a lock when they know its diff ID beforehand, and the second
finds the work done; otherwise both unpack, and the second drops its own.
"""

import errno
import os
import time
from _sqlite3 import Connection, Row
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wherry.errors import Internal, InvalidArgument, NotFound
from wherry.linux.files import exchange, sync_filesystem
from wherry.linux.locks import locked_by_name
from wherry.linux.openat import directory_descriptor
from wherry.oci.digest import ChainID, DiffID
from wherry.store.leases import Lease
from wherry.store.store import Store
from wherry.typed import TYPE_CHECKING
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.store.unpack import Unpacked

# An ID is never given twice: a mount of a removed layer must not meet a new one.
SCHEMA = """
CREATE TABLE layers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chain_id TEXT NOT NULL UNIQUE,
    diff_id TEXT NOT NULL,
    parent_chain_id TEXT REFERENCES layers (chain_id),
    size INTEGER NOT NULL,
    tar_size INTEGER NOT NULL,
    created_ns INTEGER NOT NULL
);
CREATE INDEX layers_by_parent ON layers (parent_chain_id)
"""

MOST_LAYERS = 500  # overlayfs takes no more


class NoSuchLayer(NotFound):
    def __init__(self, chain_id: ChainID) -> None:
        super().__init__(f"layer {chain_id} does not exist")
        self.chain_id = chain_id


class WrongDiffID(InvalidArgument):
    """Docker's words for a layer that is not what the image's configuration says."""

    def __init__(self, found: DiffID, expected: DiffID) -> None:
        super().__init__(
            f"layers from manifest don't match image configuration: {found} instead of {expected}"
        )
        self.found = found
        self.expected = expected


class LayerNotStored(Internal):
    def __init__(self, error: OSError) -> None:
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        text = (error.strerror or str(error)).lower()
        super().__init__(f"failed to register layer: {where}{text}")
        self.errno = error.errno


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A layer that is here. `size` is Docker's: bytes of its files and links.

    `tar_size` is the length of the tar whose hash the diff ID is.
    """

    id: int
    chain_id: ChainID
    diff_id: DiffID
    parent: ChainID | None
    size: int
    tar_size: int
    created_ns: int


def register_layer(
    lease: Lease,
    chunks: Iterable[bytes],
    parent: Layer | None = None,
    *,
    diff_id: DiffID | None = None,
) -> Layer:
    """Unpack the layer, compressed or not, on top of `parent`; the one that is there if it is.

    With `diff_id` a layer that is here is found without reading `chunks`, and one that turns out
    to be another raises WrongDiffID. It stays as long as the lease, or the rows that need it.
    """
    if parent is not None and claim_layer(lease, parent.chain_id) is None:
        raise NoSuchLayer(parent.chain_id)
    if diff_id is None:
        return _unpack_and_adopt(lease, chunks, parent, None)
    chain_id = ChainID.above(parent.chain_id if parent else None, diff_id)
    with locked_chains(lease, [chain_id]):
        return claim_layer(lease, chain_id) or _unpack_and_adopt(lease, chunks, parent, diff_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedLayer:
    """A layer that is unpacked in a lease's folder, and nothing to anyone else."""

    folder: Path
    unpacked: "Unpacked"


def stage_layer(
    lease: Lease, chunks: Iterable[bytes], *, diff_id: DiffID | None = None
) -> StagedLayer:
    """Unpack the layer, compressed or not, without giving it a place; threads may do so at once.

    Raises WrongDiffID, LayerNotStored, InvalidArchive, DamagedStream.
    """
    # Archives and compression, which starting a container does without
    from wherry.store.tar_record import TarRecorder
    from wherry.store.unpack import unpack_layer

    folder = lease.new_path("-layer")
    try:
        diff = new_diff_folder(folder)
        with TarRecorder(folder) as recorder:
            unpacked = unpack_layer(chunks, diff, recorder)
    except OSError as error:
        raise LayerNotStored(error) from error
    lease.trace("layer unpacked")
    if diff_id is not None and unpacked.diff_id != diff_id:
        raise WrongDiffID(unpacked.diff_id, diff_id)
    return StagedLayer(folder=folder, unpacked=unpacked)


def adopt_layer(
    lease: Lease, folder: Path, unpacked: "Unpacked", parent: Layer | None = None
) -> Layer:
    """Make a staged folder, whose `diff` holds an unpacked layer, a layer on top of `parent`.

    If that chain is here already, the folder is left to the lease. A folder without a record of
    its tar is one whose diff ID is that of `diff.layer_tar(folder / "diff", holes=False)`.
    """
    (layer,) = adopt_layers(lease, [StagedLayer(folder=folder, unpacked=unpacked)], parent)
    return layer


def adopt_layers(
    lease: Lease, staged: Sequence[StagedLayer], parent: Layer | None = None
) -> list[Layer]:
    """Make staged layers, each on top of the one before, layers on top of `parent`: in one step."""
    _sync(lease)
    chain = parent.chain_id if parent else None
    chains: list[ChainID] = []
    for each in staged:
        chain = ChainID.above(chain, each.unpacked.diff_id)
        chains.append(chain)
        lease.claim(_claim_of(chain))
    layers: list[Layer] = []
    with lease.store.database.write() as connection:
        for each, chain in zip(staged, chains, strict=True):
            layer = find_layer(connection, chain)
            if layer is None:
                below = layers[-1] if layers else parent
                layer = _insert_layer(lease, connection, each, below)
            layers.append(layer)
        lease.trace("layer in place")
    lease.trace("layer committed")
    return layers


def _insert_layer(
    lease: Lease, connection: Connection, staged: StagedLayer, parent: Layer | None
) -> Layer:
    unpacked = staged.unpacked
    chain_id = ChainID.above(parent.chain_id if parent else None, unpacked.diff_id)
    cursor = connection.execute(
        "INSERT INTO layers (chain_id, diff_id, parent_chain_id, size, tar_size, created_ns)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            str(chain_id),
            str(unpacked.diff_id),
            str(parent.chain_id) if parent else None,
            unpacked.size,
            unpacked.tar_size,
            time.time_ns(),
        ),
    )
    assert cursor.lastrowid is not None
    _put_in_place(lease, staged.folder, cursor.lastrowid)
    layer = find_layer(connection, chain_id)
    assert layer is not None
    return layer


def restore_layer(lease: Lease, layer: Layer, chunks: Iterable[bytes]) -> None:
    """Unpack a damaged layer anew, and let the result take its place in one step.

    Not for a layer that a mount shows: its files go. Raises NoSuchLayer, WrongDiffID,
    LayerNotStored, InvalidArchive, DamagedStream.
    """
    staged = stage_layer(lease, chunks, diff_id=layer.diff_id)
    _sync(lease)
    with lease.store.database.write() as connection:
        if find_layer(connection, layer.chain_id) is None:
            raise NoSuchLayer(layer.chain_id)
        target = layer_folder(lease.store, layer)
        if os.path.lexists(target):
            exchange(staged.folder, target)
        else:
            os.rename(staged.folder, target)
        link_layer(lease.store, layer.id)


def claim_layer(lease: Lease, chain_id: ChainID) -> Layer | None:
    """The layer of this chain, which then stays as long as the lease; None if it is not here."""
    lease.claim(_claim_of(chain_id))
    return find_layer(lease.store.database.connection, chain_id)


def find_layer(connection: Connection, chain_id: ChainID) -> Layer | None:
    row = connection.execute("SELECT * FROM layers WHERE chain_id = ?", (str(chain_id),)).fetchone()
    return None if row is None else _layer(row)


def get_layer(store: Store, chain_id: ChainID) -> Layer:
    """The layer of this chain, or NoSuchLayer."""
    layer = find_layer(store.database.connection, chain_id)
    if layer is None:
        raise NoSuchLayer(chain_id)
    return layer


def chain_of(store: Store, top: ChainID | None) -> list[Layer]:
    """The layer `top` and those below it, topmost first; NoSuchLayer if one is missing."""
    if top is None:
        return []
    rows = store.database.connection.execute(
        "WITH RECURSIVE chain (n, chain_id) AS (SELECT 0, ?1 UNION ALL"
        " SELECT n + 1, parent_chain_id FROM chain JOIN layers USING (chain_id)"
        " WHERE parent_chain_id IS NOT NULL)"
        " SELECT layers.* FROM chain JOIN layers USING (chain_id) ORDER BY n",
        (str(top),),
    ).fetchall()
    if not rows:
        raise NoSuchLayer(top)
    return [_layer(row) for row in rows]


def list_layers(store: Store) -> Iterator[Layer]:
    """Every layer, oldest first."""
    return map(_layer, store.database.connection.execute("SELECT * FROM layers ORDER BY id"))


def layer_folder(store: Store, layer: Layer) -> Path:
    """The layer's own folder."""
    return store.root / "layers" / str(layer.id)


def diff_folder(store: Store, layer: Layer) -> Path:
    """Where the layer's files are."""
    return layer_folder(store, layer) / "diff"


@contextmanager
def locked_chains(lease: Lease, chain_ids: Iterable[ChainID]) -> Iterator[None]:
    """Keep others from unpacking the same layers; always in one order, so that nobody is stuck."""
    with ExitStack() as stack:
        for name in sorted({chain_id.hex for chain_id in chain_ids}):
            stack.enter_context(locked_by_name(lease.store.root / "tmp" / f".chain-{name}"))
        yield


def _layer(row: Row) -> Layer:
    return Layer(
        id=row["id"],
        chain_id=ChainID(row["chain_id"]),
        diff_id=DiffID(row["diff_id"]),
        parent=ChainID(row["parent_chain_id"]) if row["parent_chain_id"] else None,
        size=row["size"],
        tar_size=row["tar_size"],
        created_ns=row["created_ns"],
    )


def _claim_of(chain_id: ChainID) -> str:
    return f"layer-{chain_id.hex}"


def _unpack_and_adopt(
    lease: Lease, chunks: Iterable[bytes], parent: Layer | None, expected: DiffID | None
) -> Layer:
    (layer,) = adopt_layers(lease, [stage_layer(lease, chunks, diff_id=expected)], parent)
    return layer


def new_diff_folder(folder: Path) -> Path:
    """An empty `diff` in the new staging `folder`, to unpack into and then to adopt."""
    diff = folder / "diff"
    os.mkdir(folder, 0o700)
    os.mkdir(diff)
    os.chmod(diff, 0o755)  # the root directory of containers, whatever the umask
    return diff


def _put_in_place(lease: Lease, folder: Path, layer_id: int) -> None:
    """Rename the staged folder into `layers`; within the transaction that inserts its row."""
    layers = lease.store.root / "layers"
    target = layers / str(layer_id)
    try:
        os.rename(folder, target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        # Someone was killed here: the row, and with it the ID, was rolled back.
        os.rename(target, lease.new_path("-stale"))
        os.rename(folder, target)
    link_layer(lease.store, layer_id)


def link_layer(store: Store, layer_id: int) -> None:
    """Make the short name of the layer's `diff`, by which it is mounted."""
    link = store.root / "layers" / "l" / str(layer_id)
    link.unlink(missing_ok=True)
    link.symlink_to(Path("..", str(layer_id), "diff"))


def _sync(lease: Lease) -> None:
    try:
        with directory_descriptor(lease.folder) as descriptor:
            sync_filesystem(descriptor)
    except OSError as error:
        raise LayerNotStored(error) from error
    lease.trace("layer synced")
