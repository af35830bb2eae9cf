"""The program's modules in one file, beside the interpreter's own cache of each.

To find, check and read a module takes the interpreter longer than most take to be carried out, and
a command is as slow as the modules that it begins with. The pack has what `__pycache__` has of our
modules and of those of the standard library that they use:

    8 bytes   the length of the index
    index     {name: offset << 24 | length}
    records   (source, its mtime in seconds, its size, whether it is a package, code), of each

all as marshal has it; the index is small, since it stays in memory. As there, an entry is void once
its source has changed. Whoever loads what is not in the pack writes it anew (`refresh`): a
launcher, or who does without one. Where it cannot be written, it is done without.

Imported first of all: nothing but C modules here.
"""

import marshal
import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec, SourceFileLoader
    from types import CodeType, ModuleType

    Record = tuple[str, int, int, bool, bytes]
else:
    # This module's own: to import importlib for the names would take what is saved here.
    ModuleSpec = type(__spec__)
    SourceFileLoader = type(__spec__.loader)

_PREFIX = 8
_HEADER = 16  # bytes of a cache file before its code, PEP 552
_LARGEST_INDEX = 1 << 20
_LENGTH_BITS = 24
_FORMAT = 1  # of the file; an update finds what the version before has left
# Not the caches' tag alone: the standard library belongs to one release in one place.
_NAME = f"modules-{_FORMAT}.{sys.implementation.cache_tag}-{sys.hexversion:x}.pack"


class _Loader(SourceFileLoader):
    """Loads as from the source, but has the code already."""

    packed = b""

    def get_code(self, fullname: str) -> "CodeType | None":
        packed, self.packed = self.packed, b""
        if not packed:  # somebody wants it once more
            return super().get_code(fullname)
        code: CodeType = marshal.loads(packed)
        return code


class _Finder:
    """Of what is in the pack at `path`, if one is there."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.index: dict[str, int] = {}
        self.missed: list[str] = []  # names that were asked for in vain
        self._begin = 0
        self._identity = (0, 0)
        try:
            descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
        except OSError:
            return
        try:
            length = int.from_bytes(posix.read(descriptor, _PREFIX), "big")
            if length <= _LARGEST_INDEX:
                library, index = marshal.loads(posix.read(descriptor, length))
                self.index = index if library == sys.base_prefix else {}
            self._begin = _PREFIX + length
            self._identity = _identity(descriptor)
        except (EOFError, ValueError, TypeError):  # cut short
            self.index = {}
        finally:
            posix.close(descriptor)

    def find_spec(
        self, name: str, _path: "Sequence[str] | None" = None, _target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """How to load the module; None if it is not in the pack as it is now."""
        record = self._record(name)
        if record is None:
            self.missed.append(name)
            return None
        source, _, _, is_package, code = record
        loader = _Loader(name, source)
        loader.packed = code
        spec = ModuleSpec(name, loader, origin=source, is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [source.rpartition("/")[0]]
        return spec

    def source_of(self, name: str) -> "tuple[str, bool] | None":
        """Where a module in the pack comes from, and whether it is a package."""
        record = self._record(name)
        return None if record is None else (record[0], record[3])

    def _record(self, name: str) -> "Record | None":
        """What there is of a module; None if that is nothing, or void."""
        place = self.index.get(name)
        if place is None:
            return None
        try:
            record: Record = marshal.loads(self._read(place))
            found = posix.stat(record[0])
        except (OSError, EOFError, ValueError):
            return None
        return record if (int(found.st_mtime), found.st_size) == record[1:3] else None

    def _read(self, place: int) -> bytes:
        # Not kept open: there are moments at which a process closes what it does not know.
        descriptor = posix.open(self.path, posix.O_RDONLY | posix.O_CLOEXEC)
        try:
            if _identity(descriptor) != self._identity:  # another one by now
                return b""
            length = place & (1 << _LENGTH_BITS) - 1
            return posix.pread(descriptor, length, self._begin + (place >> _LENGTH_BITS))
        finally:
            posix.close(descriptor)


_finders: list[_Finder] = []


def install() -> None:
    """Have this process load from the pack what is in it."""
    if not _finders:
        finder = _Finder(f"{__file__.rpartition('/')[0]}/__pycache__/{_NAME}")
        _finders.append(finder)
        sys.meta_path.insert(0, finder)


def is_void() -> bool:
    """Whether this process has loaded something that the pack should have, and may write it."""
    if not _finders or sys.dont_write_bytecode:
        return False
    if not posix.access(_finders[0].path.rpartition("/")[0], posix.W_OK):
        return False
    missed = filter(None, (_source_of(name) for name in _finders[0].missed))
    return any(_packable(source) for source, _ in missed)


def refresh() -> None:
    """Write the pack, with what is in it and what this process has loaded; or leave it."""
    if not is_void():
        return
    finder = _finders[0]
    sources = {name: found for name in finder.index if (found := finder.source_of(name))}
    sources.update({name: found for name in list(sys.modules) if (found := _source_of(name))})
    index = {}
    records = []
    offset = 0
    for name, (source, is_package) in sources.items():
        content = _packable(source)
        if content is not None:
            seconds, size, code = content
            record = marshal.dumps((source, seconds, size, is_package, code))
            # Interned, the name is read as the very one that code has which imports it.
            index[sys.intern(name)] = offset << _LENGTH_BITS | len(record)
            records.append(record)
            offset += len(record)
    head = marshal.dumps((sys.base_prefix, index))
    temporary = f"{finder.path}.{posix.getpid()}"
    flags = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC | posix.O_NOFOLLOW
    try:
        descriptor = posix.open(temporary, flags, 0o644)
    except OSError:
        return
    try:
        with open(descriptor, "wb") as file:
            file.writelines([len(head).to_bytes(_PREFIX, "big"), head, *records])
        posix.rename(temporary, finder.path)
    except OSError:
        posix.unlink(temporary)


def _source_of(name: str) -> "tuple[str, bool] | None":
    """The source of a module that is loaded, if it is ours or the standard library's; whether it
    is a package."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    if spec is None or spec.name != name or not spec.has_location:
        return None
    source: str = spec.origin
    library = source.startswith(f"{sys.base_prefix}/{sys.platlibdir}/")
    ours = name.partition(".")[0] == __package__
    if source.endswith(".py") and (ours or (library and "-packages/" not in source)):
        return source, spec.submodule_search_locations is not None
    return None


def _packable(source: str) -> "tuple[int, int, bytes] | None":
    """The mtime and the size of a source, and its code, if the interpreter's cache has that."""
    from importlib.util import cache_from_source  # only who writes needs it

    try:
        found = posix.stat(source)
        with open(cache_from_source(source), "rb") as file:
            content = file.read()
    except (OSError, NotImplementedError):
        return None
    seconds, size = int(found.st_mtime), found.st_size
    header = b"\0" * 4 + seconds.to_bytes(8, "little")[:4] + size.to_bytes(8, "little")[:4]
    return (seconds, size, content[_HEADER:]) if content[4:_HEADER] == header else None


def _identity(descriptor: int) -> tuple[int, int]:
    found = posix.fstat(descriptor)
    return found.st_ino, found.st_mtime_ns
