"""Snapshots: root filesystems as mounts of layers, nothing copied.

    a container   overlay(containers/<id>/upper, its image's layers, init)
    a view        the same without an upper directory, read-only

`layers/init/diff` is at the very bottom: mount points and files that every container needs
(`/proc`, `/etc/hosts`, `/.dockerenv`, ...). There it shows where an image lacks them, never in
place of what an image has, and never in a container's changes. Docker makes such a layer for
each container.

Lower directories go by their links in `layers/l`, which are short. Where even these overflow the
page that mount(2) takes, whoever mounts names them relative to that folder.
"""

import errno
import os
from pathlib import Path

from wherry.errors import InvalidArgument
from wherry.linux.files import remove_tree
from wherry.linux.mount import MountFlag, UnmountFlag, mount, unmount
from wherry.linux.mount_tree import new_filesystem
from wherry.linux.openat import DIRECTORY
from wherry.oci.digest import ChainID
from wherry.oci.mount import Mount
from wherry.store.layers import MOST_LAYERS, chain_of, new_diff_folder
from wherry.store.overlay import in_user_namespace
from wherry.store.store import Store

_DIRECTORIES = ("dev", "dev/pts", "dev/shm", "etc", "proc", "sys")
_FILES = (".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/resolv.conf")
_RESERVED = frozenset(":,\\")  # separators in overlay's options

INIT = "init"
EMPTY = "empty"


class TooManyLayers(InvalidArgument):
    def __init__(self, count: int) -> None:
        super().__init__(f"max depth exceeded: {count} layers, {MOST_LAYERS} at most")


def prepare_container(store: Store, container_id: str) -> None:
    """Make the container's own directories, `upper` and `work`, unless they are there."""
    prepare_folder(store.container_folder(container_id))


def prepare_folder(folder: Path) -> None:
    """The same in a container's folder that may still be staged."""
    for name, mode in (("upper", 0o755), ("work", 0o700)):
        path = folder / name
        try:
            os.mkdir(path)
        except FileExistsError:
            continue
        os.chmod(path, mode)  # whatever the umask: `upper` is the root directory


def container_mount(
    store: Store, container_id: str, top: ChainID | None, *, volatile: bool = False
) -> Mount:
    """The mount of the container's root; `top` is its image's topmost layer, None for scratch.

    `volatile` spares the syncing at unmount, where the upper directory is thrown away.
    """
    folder = store.container_folder(container_id)
    # The mark of a volatile overlay forbids to mount its upper directory again, in case that
    # a crash has left it half written. A crash leaves no container of --rm to be started.
    remove_tree(folder / "work" / "work" / "incompat")
    return _writable_mount(store, top, folder / "upper", folder / "work", volatile=volatile)


def layer_mount(store: Store, folder: Path, top: ChainID | None) -> Mount:
    """The mount on which a build step fills `diff` of its staging `folder`, above `top`.

    `work` beside it is the overlay's own. Adopting a layer syncs it, so the overlay need not.
    """
    return _writable_mount(store, top, folder / "diff", folder / "work", volatile=True)


def _writable_mount(
    store: Store, top: ChainID | None, upper: Path, work: Path, *, volatile: bool
) -> Mount:
    options = [
        _lowerdir(store, top, INIT),
        f"upperdir={_plain(upper)}",
        f"workdir={_plain(work)}",
        *_features(),
    ]
    return Mount(
        type="overlay",
        source="overlay",
        options=(*options, "volatile") if volatile else tuple(options),
    )


def view_mount(store: Store, top: ChainID | None) -> Mount:
    """The mount of an image's files as they are, read-only; the options have `ro`."""
    # Without an upper directory an overlay wants two lower ones: there is always an empty one.
    if top is None:
        (empty,) = lower_folders(store, None, init=False)
        return Mount(type="bind", source=str(empty), options=("bind", "ro"))
    return Mount(
        type="overlay",
        source="overlay",
        options=("ro", _lowerdir(store, top, EMPTY), *_features()),
    )


def open_view(store: Store, top: ChainID | None, *, init: bool = False) -> int:
    """A descriptor of the root of a view that is mounted nowhere: it ends when that is closed.

    With `init` it has the mount points of a container too. For `copying.copy_up` and the like.
    """
    folders = lower_folders(store, top, init=init)
    if len(folders) == 1:
        return os.open(folders[0], DIRECTORY | os.O_CLOEXEC)
    options: list[tuple[str, str | None]] = [("ro", None)]
    options += [("lowerdir+", str(folder)) for folder in folders]
    for feature in _features():
        key, _, value = feature.partition("=")
        options.append((key, value or None))
    try:
        return new_filesystem("overlay", tuple(options))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    # Before Linux 6.7 overlay has no `lowerdir+`, and fsconfig(2) takes no value over 255 bytes.
    data = ",".join(("lowerdir=" + ":".join(map(_plain, folders)), *_features()))
    with store.staging_folder() as target:
        mount("overlay", "overlay", target, MountFlag.RDONLY, data)
        try:
            return os.open(target, DIRECTORY | os.O_CLOEXEC)
        finally:
            unmount(target, UnmountFlag.DETACH)


def lower_folders(store: Store, top: ChainID | None, *, init: bool = True) -> list[Path]:
    """The lower directories, topmost first; with those of `init`, as `diff.changes` wants them."""
    names = [str(layer.id) for layer in chain_of(store, top)]
    if len(names) >= MOST_LAYERS:
        raise TooManyLayers(len(names))
    bottom = INIT if init else EMPTY
    _make_bottom(store, bottom)
    folder = store.root / "layers" / "l"
    return [folder / name for name in (*names, bottom)]


def _lowerdir(store: Store, top: ChainID | None, bottom: str) -> str:
    folders = lower_folders(store, top, init=bottom == INIT)
    return "lowerdir=" + ":".join(map(_plain, folders))


def _plain(path: Path) -> str:
    text = str(path)
    if _RESERVED.intersection(text):
        raise InvalidArgument(
            f"{text}: overlay cannot mount a path with a colon, comma or backslash",
            hint="choose another folder with --root",
        )
    return text


def _features() -> tuple[str, ...]:
    # What would let an upper directory mean something only together with its lower ones.
    fixed = ("index=off", "redirect_dir=off", "metacopy=off")
    return (*fixed, "userxattr") if in_user_namespace() else fixed


def _make_bottom(store: Store, name: str) -> None:
    """Make `layers/<name>` and its link once; several processes may."""
    link = store.root / "layers" / "l" / name
    if os.path.lexists(link):
        return
    with store.staging_folder() as staging:
        folder = staging / name
        diff = new_diff_folder(folder)
        if name == INIT:
            _fill_init(diff)
        try:
            os.rename(folder, store.root / "layers" / name)
        except OSError:
            if not (store.root / "layers" / name / "diff").is_dir():
                raise
        try:
            link.symlink_to(Path("..", name, "diff"))
        except FileExistsError:
            return


def _fill_init(diff: Path) -> None:
    for name in _DIRECTORIES:
        os.mkdir(diff / name)
        os.chmod(diff / name, 0o755)
    for name in _FILES:
        (diff / name).touch()
        os.chmod(diff / name, 0o755)  # as Docker makes them
    os.symlink("/proc/mounts", diff / "etc" / "mtab")
