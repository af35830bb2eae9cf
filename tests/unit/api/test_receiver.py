"""Trees that clients send: whatever they say, nothing is made outside of the folder."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.api.buildkit.messages.session import PACKET, Packet, PacketType, Stat
from wherry.api.buildkit.receiver import InvalidTransfer, Receiver
from wherry.api.buildkit.sender import Sender
from wherry.linux.openat import directory_descriptor

FOLDER, LINK, DEVICE, SOCKET = 1 << 31, 1 << 27, 1 << 26, 1 << 24


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def told(*entries: Stat, end: bool = True) -> list[bytes]:
    packets = [Packet(stat=entry) for entry in entries]
    return [PACKET.encode(packet) for packet in [*packets, Packet()] if end or packet.stat]


def file(path: str, size: int = 0, **more: object) -> Stat:
    return Stat(path=path, mode=0o644, size=size, **more)  # type: ignore[arg-type]


def transferred(source: Path, target: Path) -> list[str]:
    """Have the one folder become the other; the files whose contents were sent."""
    sent = []
    with directory_descriptor(source) as root, directory_descriptor(target) as into:
        sender, receiver = Sender(root), Receiver(into)
        packets = list(sender.entries())
        paths = [PACKET.decode(each).stat for each in packets]
        answers = receiver.take(packets)
        while answers:
            packet = PACKET.decode(answers.pop(0))
            if packet.type == PacketType.REQUEST:
                entry = paths[packet.id]
                assert entry is not None
                sent.append(entry.path)
                answers += receiver.take(sender.content(packet.id))
            else:
                receiver.take([PACKET.encode(Packet(type=PacketType.END))])
        assert receiver.finished
    return sent


def listed(folder: Path) -> Iterator[tuple[object, ...]]:
    for place, names, files in os.walk(folder):
        for name in sorted([*names, *files]):
            path = Path(place, name)
            status = path.lstat()
            content: object = None
            if stat.S_ISREG(status.st_mode):
                content = path.read_bytes()
            elif stat.S_ISLNK(status.st_mode):
                content = path.readlink()
            yield path.relative_to(folder), status.st_mode, status.st_mtime_ns, content


def test_a_tree_arrives_as_it_is_and_then_only_its_changes(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "source"
    (source / "a/b").mkdir(parents=True)
    (source / "a/b/c").write_bytes(b"c" * 100_000)
    (source / "a.txt").write_text("beside")
    (source / "a/empty").touch(0o600)
    (source / "a/b").chmod(0o555)
    (source / "a/link").symlink_to("../nowhere")
    os.mkfifo(source / "fifo")
    os.link(source / "a.txt", source / "z")

    sent = transferred(source, target)
    assert sent == ["a/b/c", "a/empty", "a.txt"]
    assert [*listed(target)] == [*listed(source)]
    assert (target / "z").samefile(target / "a.txt")

    (source / "z").unlink()
    (source / "a/empty").unlink()
    (source / "a/empty").mkdir()  # what was a file is a folder now
    (source / "a/b/c").write_bytes(b"d" * 100_000)
    (target / "strange").mkdir()
    (target / "strange/file").touch()
    assert transferred(source, target)[0] == "a/b/c"
    assert [*listed(target)] == [*listed(source)]
    assert transferred(source, target) == []


def test_any_number_of_files_may_have_two_names(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(200):  # far more than may be open at once
        (source / f"{number}.one").write_text(str(number))
        os.link(source / f"{number}.one", source / f"{number}.two")

    assert len(transferred(source, target)) == 200
    assert [*listed(target)] == [*listed(source)]
    assert all((target / f"{n}.one").samefile(target / f"{n}.two") for n in range(200))


@pytest.mark.parametrize(
    "path",
    ["", "/etc/x", "..", "../x", "a/../../x", "a//b", "./a", "a/", "a\0b", "/".join("a" * 500)],
)
def test_a_path_that_is_none_is_refused(target: Path, path: str) -> None:
    with directory_descriptor(target) as root, pytest.raises(InvalidTransfer):
        Receiver(root).take(told(file(path)))


def test_nothing_is_made_through_a_link(target: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = Stat(path="a", mode=LINK | 0o777, link=str(outside))

    with directory_descriptor(target) as root:
        receiver = Receiver(root)
        with pytest.raises(Exception, match="a") as caught:
            receiver.take(told(link, Stat(path="a/b", mode=FOLDER | 0o755)))
        receiver.close()

    assert "taken in" in str(caught.value) or "take in" in str(caught.value)
    assert not any(outside.iterdir())


def test_a_link_that_was_here_is_replaced_and_not_followed(target: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (target / "a").symlink_to(outside)

    with directory_descriptor(target) as root:
        Receiver(root).take(told(Stat(path="a", mode=FOLDER | 0o755), file("a/b")))
        receiver = Receiver(root)
        receiver.take(told(Stat(path="a", mode=FOLDER | 0o755), file("a/b", 1)))
        receiver.take([PACKET.encode(Packet(type=PacketType.DATA, id=1, data=b"x"))])
        receiver.close()

    assert not any(outside.iterdir())
    assert (target / "a/b").read_bytes() == b"x"


def test_entries_that_cannot_be_are_refused(target: Path) -> None:
    folder = Stat(path="d", mode=FOLDER | 0o755)
    for entries in (
        [Stat(path="null", mode=DEVICE | 1 << 21 | 0o666, major=1, minor=3)],
        [file("a"), file("a")],
        [file("d/before-its-folder"), folder],
        [file("hard", link="../outside")],
        [file("odd-mode"), Stat(path="x", mode=FOLDER | LINK)],
    ):
        with directory_descriptor(target) as root:
            receiver = Receiver(root)
            with pytest.raises(InvalidTransfer):
                receiver.take(told(*entries))
            receiver.close()


def test_what_was_not_asked_for_is_refused(target: Path) -> None:
    data = PACKET.encode(Packet(type=PacketType.DATA, id=7, data=b"x"))
    with directory_descriptor(target) as root, pytest.raises(InvalidTransfer):
        Receiver(root).take([*told(file("a", 1)), data])


def test_a_socket_is_left_out(target: Path) -> None:
    with directory_descriptor(target) as root:
        answers = Receiver(root).take(told(Stat(path="s", mode=SOCKET | 0o755)))

    assert [PACKET.decode(each).type for each in answers] == [PacketType.END]
    assert not any(target.iterdir())
