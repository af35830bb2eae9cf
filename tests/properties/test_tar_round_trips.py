"""Archives of ours read by tarfile, and tarfile's read by us."""

import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from wherry.store.tar.entry import InvalidArchive, Kind, TarEntry
from wherry.store.tar.reader import TarReader
from wherry.store.tar.writer import END, format_header, padding

NAMES = st.binary(min_size=1, max_size=300).map(
    lambda name: b"n" + name.replace(b"\0", b"x").rstrip(b"/")
)
IDS = st.one_of(st.integers(0, 2**21 + 5), st.just(2**32 - 2))
MTIMES = st.integers(-(2**33), 2**34)
XATTRS = st.none() | st.dictionaries(
    st.sampled_from(["user.a", "user.b", "security.capability"]),
    st.binary(max_size=100),
    min_size=1,
)


@st.composite
def entries(draw: st.DrawFn) -> tuple[TarEntry, bytes]:
    kind = draw(
        st.sampled_from(
            [Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.HARDLINK, Kind.CHARACTER, Kind.FIFO]
        )
    )
    data = draw(st.binary(max_size=1500)) if kind == Kind.FILE else b""
    name = draw(NAMES)
    entry = TarEntry(
        name + b"/" if kind == Kind.DIRECTORY else name,
        kind,
        draw(st.integers(0, 0o7777)),
        draw(IDS),
        draw(IDS),
        len(data),
        draw(MTIMES) * 10**9,
        draw(NAMES) if kind in (Kind.SYMLINK, Kind.HARDLINK) else b"",
        *(
            draw(st.tuples(st.integers(0, 4095), st.integers(0, 255)))
            if kind == Kind.CHARACTER
            else (0, 0)
        ),
        xattrs=draw(XATTRS) if kind == Kind.FILE else None,
        stored=len(data),
    )
    return entry, data


def archive(items: list[tuple[TarEntry, bytes]]) -> bytes:
    return b"".join(format_header(e) + data + padding(len(data)) for e, data in items) + END


@given(st.lists(entries(), max_size=5), st.integers(1, 3000))
def test_what_is_written_is_read(items: list[tuple[TarEntry, bytes]], size: int) -> None:
    data = archive(items)
    reader = TarReader(data[start : start + size] for start in range(0, len(data), size))
    found = [(entry, b"".join(reader.parts())) for entry in reader]
    # An empty record means "none", so such an attribute is not told from a missing one.
    for entry, _ in items:
        entry.xattrs = {k: v for k, v in (entry.xattrs or {}).items() if v} or None
    assert found == items


@given(st.lists(entries(), max_size=5))
def test_tarfile_reads_what_is_written(items: list[tuple[TarEntry, bytes]]) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive(items))) as tar:
        for (entry, data), info in zip(items, tar, strict=True):
            assert info.name.encode("utf-8", "surrogateescape") == entry.name.rstrip(b"/")
            assert info.linkname.encode("utf-8", "surrogateescape") == entry.link
            assert (info.type, info.mode, info.uid, info.gid) == (
                entry.kind,
                entry.mode,
                entry.uid,
                entry.gid,
            )
            assert info.mtime == entry.mtime_ns // 10**9
            if entry.kind == Kind.FILE:
                file = tar.extractfile(info)
                assert file is not None
                assert file.read() == data


@given(
    st.lists(entries(), max_size=5),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_what_tarfile_writes_is_read(items: list[tuple[TarEntry, bytes]], form: int) -> None:
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=form, encoding="utf-8", errors="surrogateescape"
    ) as tar:
        for entry, data in items:
            info = tarfile.TarInfo(entry.name.decode("utf-8", "surrogateescape"))
            info.type, info.mode, info.uid, info.gid = entry.kind, entry.mode, entry.uid, entry.gid
            info.mtime, info.size = entry.mtime_ns // 10**9, len(data)
            info.linkname = entry.link.decode("utf-8", "surrogateescape")
            info.devmajor, info.devminor = entry.major, entry.minor
            tar.addfile(info, io.BytesIO(data))
    reader = TarReader([buffer.getvalue()])
    for entry, data in items:
        found = next(iter(reader))
        assert b"".join(reader.parts()) == data
        assert (found.name.rstrip(b"/"), found.link) == (entry.name.rstrip(b"/"), entry.link)
        assert (found.kind, found.mode, found.uid, found.gid, found.size) == (
            entry.kind,
            entry.mode,
            entry.uid,
            entry.gid,
            entry.size,
        )


@given(st.binary(max_size=2048))
def test_rubbish_never_breaks_the_reader(data: bytes) -> None:
    header = bytearray(format_header(TarEntry(b"x", stored=100, size=100)))
    for position, byte in enumerate(data[:512]):
        if byte % 7 == 0:
            header[position] = byte
    try:
        for _ in TarReader([bytes(header), data]):
            pass
    except InvalidArchive:
        return
