"""The layers of one image on their way here, each drawn by whichever thread unpacks it."""

from collections.abc import Callable, Iterator, Sequence
from threading import Lock

from wherry.engine.images.progress import Reporter
from wherry.engine.images.remote import RemoteImage
from wherry.errors import WherryError
from wherry.images.ingest import LayerSource
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import ChainID
from wherry.registry.download import download_blob
from wherry.registry.patience import Cancellation, Cancelled
from wherry.registry.repository import Repository
from wherry.store.blobs import blob_chunks, claim_blob
from wherry.store.downloads import partial_blob
from wherry.store.layers import find_layer
from wherry.store.leases import Lease

_AT_ONCE = 3  # downloads; the others are said to wait


class LayerFetch:
    """What `take_in_layers` reads; `failure` is what made the others stop."""

    def __init__(
        self,
        lease: Lease,
        repositories: Sequence[Repository],
        tell: Reporter,
        cancellation: Cancellation,
    ) -> None:
        self._lease = lease
        self._repositories = repositories
        self._tell = tell
        self._cancellation = cancellation
        self._lock = Lock()
        self.failure: WherryError | None = None
        self.fetched: set[int] = set()

    def sources(self, remote: RemoteImage, *, quietly: bool) -> list[LayerSource]:
        """The layers as `take_in_layers` wants them, after saying which are here."""
        chain: ChainID | None = None
        waiting = 0
        is_here = True
        sources = []
        for number, (descriptor, diff_id) in enumerate(
            zip(remote.manifest.layers, remote.config.rootfs.diff_ids, strict=True)
        ):
            chain = ChainID.above(chain, diff_id)
            connection = self._lease.store.database.connection
            is_here = is_here and find_layer(connection, chain) is not None
            if not quietly:
                status = "Already exists" if is_here else "Pulling fs layer"
                self._tell(status, descriptor.digest.short)
            waiting += not is_here
            if waiting > _AT_ONCE:
                self._tell("Waiting", descriptor.digest.short)
            sources.append(LayerSource(read=self._reader(number, descriptor), diff_id=diff_id))
        return sources

    def _reader(self, number: int, descriptor: Descriptor) -> Callable[[], Iterator[bytes]]:
        return lambda: self._read(number, descriptor)

    def _read(self, number: int, descriptor: Descriptor) -> Iterator[bytes]:
        self.fetched.add(number)
        try:
            yield from self._pieces(descriptor)
        except Cancelled:
            raise
        except WherryError as error:
            with self._lock:
                self.failure = self.failure or error
            self._cancellation.cancel()
            raise
        self._tell("Download complete", descriptor.digest.short)
        self._tell("Extracting", descriptor.digest.short, descriptor.size, descriptor.size)

    def _pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        progress = self._tell.steps("Downloading", descriptor.digest.short, descriptor.size)
        yield from fetched_blob(
            self._lease,
            self._repositories,
            descriptor,
            progress=progress,
            whole=lambda: self._tell("Verifying Checksum", descriptor.digest.short),
        )


def fetched_blob(
    lease: Lease,
    repositories: Sequence[Repository],
    descriptor: Descriptor,
    *,
    progress: Callable[[int], None] = lambda _size: None,
    whole: Callable[[], None] = lambda: None,
) -> Iterator[bytes]:
    """The blob in pieces, from the store or, while it gets there, from a registry.

    `whole` is called when the last piece has come. The blob stays as long as the lease.
    """
    store = lease.store
    if claim_blob(lease, descriptor.digest):
        yield from blob_chunks(store, descriptor.digest)
        return
    with partial_blob(store, descriptor.digest) as partial:
        if claim_blob(lease, descriptor.digest):
            yield from blob_chunks(store, descriptor.digest)
            return
        for piece in download_blob(repositories, descriptor, partial.descriptor, progress=progress):
            lease.trace("piece downloaded")
            yield piece
        whole()
        partial.commit(lease)
