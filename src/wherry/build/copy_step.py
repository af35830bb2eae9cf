"""COPY and ADD."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from wherry.build.inputs import Contents, StepInputs, contents_of
from wherry.build.kept_sources import identity_of
from wherry.build.layer_writer import LayerWriter, Look, joined
from wherry.build.owners import parse_owner
from wherry.build.source_trees import Found, SourceTree
from wherry.build.stage import Prepared, StageWork
from wherry.build.steps import Step
from wherry.build.unpacking import is_archive, unpack_archive
from wherry.build.urls import is_git, is_remote, redacted
from wherry.dockerfile.ignorefile import IgnoreFile, parse_ignore_file
from wherry.dockerfile.instructions import Add, Copy
from wherry.dockerfile.modes import parse_mode
from wherry.errors import InvalidArgument
from wherry.linux.openat import READABLE_DIRECTORY, opened
from wherry.store.pack import Packed
from wherry.values import dataclass


class DestinationNotADirectory(InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"When using {name} with more than one source file, "
            "the destination must be a directory and end with a /"
        )


class NothingToVerify(InvalidArgument):
    """A --checksum where nothing is fetched, in BuildKit's words."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"checksum {problem}")


@dataclass(frozen=True, slots=True)
class Source:
    """What one argument selected of a tree. `unpacks` may be an archive to be taken apart."""

    tree: SourceTree
    selected: list[Found]
    unpacks: bool = False


def prepare_copy(work: StageWork, step: Step, undo: ExitStack) -> Prepared:
    """COPY or ADD: its sources found and hashed. What it fetches is kept until `undo`."""
    transfer = step.instruction
    assert isinstance(transfer, Copy | Add)
    destination = transfer.destination.text
    count = len(transfer.sources) + len(transfer.files)
    is_directory = _means_directory(destination) or (
        isinstance(transfer, Copy) and transfer.parents
    )
    if count > 1 and not is_directory:
        raise DestinationNotADirectory(transfer.NAME)
    if isinstance(transfer, Add) and transfer.checksum is not None and transfer.checksum.text:
        _check_verifiable(transfer, count)
    sources = list(_sources(work, step, undo))
    contents = [contents_of(s.tree, s.selected, work.stat_index(s.tree)) for s in sources]

    def view() -> int | None:  # only when it is needed: closing a mount waits for the kernel
        return None if transfer.link else work.view(work.top)

    owner = None if transfer.chown is None else parse_owner(transfer.chown.text, view)
    mode = None if transfer.chmod is None else parse_mode(transfer.chmod.text)
    path = joined(work.draft.defaults.working_dir, destination)
    facts = _facts(work, transfer, path, owner, sources, contents)
    files = {name: word for each in contents for name, word in each.files.items()}

    def carry_out(folder: Path) -> Packed | None:
        with ExitStack() as stack:
            upper = stack.enter_context(
                opened(os.open(folder / "diff", READABLE_DIRECTORY | os.O_CLOEXEC))
            )
            writer = stack.enter_context(
                LayerWriter(upper, view(), work.now_ns, latest_ns=work.order.epoch_ns, packs=True)
            )
            look = Look(owner=owner, mode=mode)
            place = writer.resolve(path)
            for source in (source for source in sources if not source.unpacks):
                _copy(writer, source, place, look, as_directory=is_directory)
            if owner is not None and any(source.unpacks for source in sources):
                writer.make_directories(place, look)
        for source in sources:
            if source.unpacks:
                unpack_archive(work, folder, path, source.tree, source.selected[0], owner)
        # An archive may have other files of the same names.
        return None if any(source.unpacks for source in sources) else writer.packed

    return Prepared(
        inputs=StepInputs(facts, files, work.is_base),
        history=f"{_history(transfer)} # buildkit",
        kind="source.local" if not step.sources else "regular",
        carry_out=carry_out,
        linked=transfer.link,
    )


def _check_verifiable(add: Add, count: int) -> None:
    if count != 1:
        raise NothingToVerify("can't be specified for multiple sources")
    if not any(is_remote(word.text) for word in add.sources):
        raise NothingToVerify("requires HTTP(S) or Git sources")


def _facts(
    work: StageWork,
    transfer: Copy | Add,
    path: str,
    owner: tuple[int, int] | None,
    sources: list[Source],
    contents: list[Contents],
) -> dict[str, object]:
    facts: dict[str, object] = {
        "instruction": transfer.NAME,
        "destination": path + ("/" if _means_directory(transfer.destination.text) else ""),
        "chown": owner and f"{owner[0]}:{owner[1]}",
        "chmod": transfer.chmod and transfer.chmod.text,
        "unpacked": [source.unpacks for source in sources],
        "content": [
            [_is_file(source), each.hash] for source, each in zip(sources, contents, strict=True)
        ],
        **work.parent_facts,
    }
    if transfer.link:
        del facts["parent"]
        facts["link"] = True
    return facts


def _is_file(source: Source) -> bool:
    return not stat.S_ISDIR(source.selected[0].status.st_mode)


def _sources(work: StageWork, step: Step, undo: ExitStack) -> Iterator[Source]:
    transfer = step.instruction
    assert isinstance(transfer, Copy | Add)
    exclude = _exclusion(word.text for word in transfer.exclude)
    tree = work.tree_of(step.sources[0]) if step.sources else work.order.context
    parents = isinstance(transfer, Copy) and transfer.parents
    for word in transfer.sources:
        if isinstance(transfer, Add) and is_remote(word.text):
            yield _fetched(work, transfer, word.text, undo)
            continue
        for selected in tree.select(word.text, exclude=exclude, parents=parents):
            yield Source(tree, selected, _unpacks(transfer, tree, selected))
    if transfer.files:
        yield from _documents(work, transfer, undo)


def _fetched(work: StageWork, add: Add, url: str, undo: ExitStack) -> Source:
    checksum = add.checksum.text if add.checksum is not None else ""
    lease = work.workshop.lease
    if is_git(url):
        from wherry.build.git_sources import fetch_git  # subprocesses, for those who fetch

        folder = fetch_git(lease, url, undo, checksum=checksum, keep_git=add.keep_git_dir)
        pattern = "."
    else:
        from wherry.build.web_sources import fetch_file, file_name  # urllib, for those who fetch

        folder = fetch_file(lease, url, file_name(url), undo, checksum=checksum)
        pattern = "*"
    root = os.open(folder, READABLE_DIRECTORY | os.O_CLOEXEC)
    undo.callback(os.close, root)
    tree = SourceTree(name=redacted(url), root=root, identity=identity_of(folder), owned=False)
    (selected,) = tree.select(pattern)
    return Source(tree, selected, bool(add.unpack) and is_archive(tree, selected[0]))


def _unpacks(transfer: Copy | Add, tree: SourceTree, selected: list[Found]) -> bool:
    if not isinstance(transfer, Add) or transfer.unpack is False:
        return False
    return is_archive(tree, selected[0])


def _documents(work: StageWork, transfer: Copy | Add, undo: ExitStack) -> Iterator[Source]:
    """The heredocs, as files."""
    folder = work.workshop.lease.new_path("-documents")
    folder.mkdir(mode=0o700)
    root = os.open(folder, READABLE_DIRECTORY | os.O_CLOEXEC)
    undo.callback(os.close, root)
    tree = SourceTree(name="heredoc", root=root, owned=False)
    for document in transfer.files:
        path = folder / document.name.replace("/", "_")
        path.write_bytes(document.text.encode("utf-8", "surrogateescape"))
        path.chmod(0o644)
        os.utime(path, ns=(work.now_ns, work.now_ns))
        (selected,) = tree.select(path.name.replace("[", "\\[").replace("*", "\\*"))
        yield Source(tree, selected)


def _exclusion(patterns: Iterable[str]) -> IgnoreFile | None:
    lines = "\n".join(patterns)
    return parse_ignore_file(lines, "--exclude") if lines else None


def _copy(
    writer: LayerWriter, source: Source, place: str, look: Look, *, as_directory: bool
) -> None:
    first = source.selected[0]
    if stat.S_ISDIR(first.status.st_mode) or "/" in first.target:
        writer.copy(source.tree, source.selected, place, look)
        return
    if as_directory or writer.is_directory(place):
        writer.make_directories(place, look)
        # Not resolved: the entry itself is replaced, not what it links to.
        target = "/".join(part for part in (place, first.target) if part)
    else:
        target = place
    above = target.rpartition("/")[0]
    writer.make_directories(above, look)
    writer.copy(source.tree, [first._replace(target="")], target, look)


def _means_directory(path: str) -> bool:
    return path.endswith(("/", "/.", "/..")) or path in (".", "..", "")


def _history(transfer: Copy | Add) -> str:
    words = [transfer.NAME]
    if isinstance(transfer, Copy) and transfer.parents:
        words.append("--parents")
    if transfer.chown is not None:
        words.append(f"--chown={transfer.chown.text}")
    if transfer.chmod is not None:
        words.append(f"--chmod={transfer.chmod.text}")
    words += [word.text for word in transfer.sources]
    words += [f"<<{file.name}" for file in transfer.files]
    return " ".join((*words, transfer.destination.text))
