"""Content hashes as three types that cannot be mixed up: digest, diff ID, chain ID.

    Digest    of bytes as they are stored or sent: a blob, a manifest, a config
    DiffID    of a layer's tar, uncompressed
    ChainID   of a layer together with all layers below it

The chain ID of the lowest layer equals its diff ID; each further one is
`sha256(chain ID below + " " + diff ID)`,
https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid
"""

from collections.abc import Iterable
from functools import total_ordering

from wherry.errors import InvalidArgument
from wherry.oci.sha256 import sha256
from wherry.typed import Protocol, Self, final

HEX_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
_HEX = frozenset("0123456789abcdef")


class InvalidDigest(InvalidArgument):
    """Worded as the digest library of Docker and containerd words it."""

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(problem)
        self.text = text


class FinishedHash(Protocol):
    """What hashlib's objects have."""

    @property
    def name(self) -> str: ...
    def hexdigest(self) -> str: ...


@total_ordering
class _ContentHash:
    """`algorithm:hex`; compares and hashes within its own type only."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Raises InvalidDigest unless `text` is a registered algorithm, a colon and its hex."""
        algorithm, colon, hexadecimal = text.partition(":")
        if not colon or not algorithm or not hexadecimal:
            raise InvalidDigest(text, "invalid checksum digest format")
        length = HEX_LENGTHS.get(algorithm)
        if length is None:
            raise InvalidDigest(text, "unsupported digest algorithm")
        if len(hexadecimal) != length:
            raise InvalidDigest(text, "invalid checksum digest length")
        if not _HEX.issuperset(hexadecimal):
            raise InvalidDigest(text, "invalid checksum digest format")
        self._text = text

    @classmethod
    def parse(cls, text: str) -> Self:
        """As the constructor; the name by which `wherry.oci.codec` reads value types."""
        return cls(text)

    @classmethod
    def of_bytes(cls, data: bytes) -> Self:
        """The sha256 of `data`."""
        return cls(f"sha256:{sha256(data).hexdigest()}")

    @classmethod
    def of_hash(cls, finished: FinishedHash) -> Self:
        """The value of a hashlib object that has been fed everything."""
        return cls(f"{finished.name}:{finished.hexdigest()}")

    @property
    def algorithm(self) -> str:
        return self._text.partition(":")[0]

    @property
    def hex(self) -> str:
        return self._text.partition(":")[2]

    @property
    def short(self) -> str:
        """The first twelve hex digits, as Docker prints them."""
        return self.hex[:12]

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._text!r})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._text == other._text

    def __lt__(self, other: Self) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._text < other._text

    def __hash__(self) -> int:
        return hash((type(self), self._text))


@final
class Digest(_ContentHash):
    """Names a blob by its bytes as stored or sent; an image ID is the digest of its config."""

    __slots__ = ()


@final
class DiffID(_ContentHash):
    """Names a layer by its uncompressed tar."""

    __slots__ = ()


# The layer of a tar with nothing in it: an end of two blocks of zeros.
EMPTY_TAR = DiffID.of_bytes(bytes(1024))


@final
class ChainID(_ContentHash):
    """Names a layer and everything below it, hence one state of a root filesystem."""

    __slots__ = ()

    @classmethod
    def above(cls, parent: "ChainID | None", diff_id: DiffID) -> "ChainID":
        """The chain that `diff_id` makes on top of `parent`; None is the empty root."""
        if parent is None:
            return cls(str(diff_id))
        return cls.of_bytes(f"{parent} {diff_id}".encode())


def chain_ids(diff_ids: Iterable[DiffID]) -> list[ChainID]:
    """The chain ID after each of `diff_ids`, lowest layer first."""
    chain: list[ChainID] = []
    for diff_id in diff_ids:
        chain.append(ChainID.above(chain[-1] if chain else None, diff_id))
    return chain
