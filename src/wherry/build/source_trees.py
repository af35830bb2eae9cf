"""Trees that COPY and ADD read: what of them is selected, in which order.

A build context is read in place, through one descriptor; what its ignore file leaves out is not
looked into. The files of a stage or an image are read from its layers.
"""

import os
import posixpath
import stat
from collections.abc import Iterator
from typing import NamedTuple

from wherry.dockerfile.errors import nearest
from wherry.dockerfile.ignore_patterns import Pattern, compile_pattern
from wherry.dockerfile.ignorefile import IgnoreFile, Verdict
from wherry.errors import InvalidArgument
from wherry.linux.openat import DIRECTORY, READABLE_DIRECTORY, open_in_root, opened
from wherry.values import dataclass

_WILDCARDS = frozenset("*?[\\")
_DEEPEST = 400  # levels of directories, each of which is open meanwhile


class NoSuchSource(InvalidArgument):
    """A path of COPY or ADD that is not there, in BuildKit's words."""

    def __init__(self, path: str, hint: str = "") -> None:
        super().__init__(
            "failed to compute cache key: failed to calculate checksum of ref:"
            f' "/{path}": not found',
            hint=hint,
        )


class InvalidPattern(InvalidArgument):
    def __init__(self, pattern: str) -> None:
        super().__init__(f"{pattern}: syntax error in pattern")


class Found(NamedTuple):
    """A selected entry: `target` is its place below the destination, "" that itself.

    `path` leads to it from the tree's root without any link on the way.
    """

    target: str
    path: str
    status: os.stat_result


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceTree:
    """A directory that sources are looked up in.

    `name` is how messages call it; `identity` what its stat index is kept under, "" for none.
    `owned` keeps the owners of files; those of a context become root's.
    """

    name: str
    root: int
    identity: str = ""
    ignore: IgnoreFile | None = None
    ignore_name: str = ""
    owned: bool = True

    def select(
        self, pattern: str, *, exclude: IgnoreFile | None = None, parents: bool = False
    ) -> list[list[Found]]:
        """What a source argument selects, a list for each match: its first is the match itself.

        Of a directory what is in it goes to the destination, of anything else the entry by its
        name; with `parents` all keep the folders in front, or behind a `/./`, of their name.
        """
        before, pivot, after = pattern.partition("/./") if parents else ("", "", "")
        text = _clean(f"{before}/{after}" if pivot else pattern)
        pivot_depth = _clean(before).count("/") + 1 if pivot and _clean(before) else 0
        matches = self._matches(text, doubled=parents) if _has_wildcard(text) else [text]
        selected = []
        for match in matches:
            prefix = "/".join(match.split("/")[pivot_depth:]) if parents else ""
            selected.append(self._selected(match, prefix, exclude, parents=parents))
        return [found for found in selected if found]

    def walk(self) -> Iterator[Found]:
        """All of the tree, its root first."""
        root = Found("", "", os.fstat(self.root))
        yield root
        out: list[Found] = []
        with opened(os.open(".", READABLE_DIRECTORY | os.O_CLOEXEC, dir_fd=self.root)) as top:
            self._walk(top, "", "", None, None, out)
        yield from out

    def _selected(
        self, path: str, prefix: str, exclude: IgnoreFile | None, *, parents: bool
    ) -> list[Found]:
        verdict = self.ignore.decide(path) if self.ignore is not None and path else None
        if verdict is not None and verdict.ignored and not verdict.may_hold_included:
            raise NoSuchSource(path, self._excluded_hint(verdict))
        try:
            # The match itself is followed if it is a link, inside the tree; links below are kept.
            descriptor = open_in_root(self.root, path or ".", os.O_PATH)
        except OSError as error:
            raise NoSuchSource(path, self._near_hint(path)) from error
        with opened(descriptor):
            status = os.fstat(descriptor)
            real = self._real_path(descriptor)
            if not stat.S_ISDIR(status.st_mode):
                if verdict is not None and verdict.ignored:
                    raise NoSuchSource(path, self._excluded_hint(verdict))
                name = posixpath.basename(path)
                if exclude is not None and exclude.decide(name).ignored:
                    return []
                return [Found(prefix if parents else name, real, status)]
            out = [Found(prefix, real, status)]
            with opened(os.open(".", READABLE_DIRECTORY | os.O_CLOEXEC, dir_fd=descriptor)) as fd:
                self._walk(fd, real, prefix, verdict, exclude, out)
        return out

    def _walk(
        self,
        directory: int,
        path: str,
        target: str,
        verdict: Verdict | None,
        exclude: IgnoreFile | None,
        out: list[Found],
        inside: str = "",
        depth: int = 0,
    ) -> None:
        """Append what is in `directory`; `inside` is its path below the selected one."""
        if depth > _DEEPEST:
            raise InvalidArgument(f"{path}: directories are nested too deep")
        with os.scandir(directory) as entries:
            listed = sorted(entries, key=_name_of)
        ignore = self.ignore
        front, target_front = (f"{path}/" if path else ""), (f"{target}/" if target else "")
        for entry in listed:
            name = entry.name
            here = front + name
            own = None
            left_out = False
            if ignore is not None:
                own = ignore.verdict(here, verdict)
                left_out = own.ignored
            below = f"{inside}/{name}" if inside else name
            if exclude is not None and exclude.decide(below).ignored:
                left_out = True
            is_directory = entry.is_dir(follow_symlinks=False)
            if left_out and not (is_directory and self._may_hold(own, exclude, below)):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # removed since it was listed
            if not is_directory:
                if not stat.S_ISSOCK(status.st_mode):
                    out.append(Found(target_front + name, here, status))
                continue
            out.append(Found(target_front + name, here, status))
            count = len(out)
            flags = READABLE_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            with opened(os.open(name, flags, dir_fd=directory)) as fd:
                self._walk(fd, here, target_front + name, own, exclude, out, below, depth + 1)
            if left_out and len(out) == count:
                out.pop()  # nothing in it was taken back

    @staticmethod
    def _may_hold(own: Verdict | None, exclude: IgnoreFile | None, below: str) -> bool:
        if own is not None and own.ignored and not own.may_hold_included:
            return False
        excluded = exclude.decide(below) if exclude is not None else None
        return excluded is None or not excluded.ignored or excluded.may_hold_included

    def _real_path(self, descriptor: int) -> str:
        """The path from the root to what is open, all links resolved."""
        top = os.readlink(f"/proc/self/fd/{self.root}").rstrip("/")
        return os.readlink(f"/proc/self/fd/{descriptor}").removeprefix(top).strip("/")

    def _matches(self, text: str, *, doubled: bool) -> list[str]:
        if not doubled:
            while "**" in text:
                text = text.replace("**", "*")  # Go's Match knows one star only
        pattern = compile_pattern(text)
        if pattern is None:
            raise InvalidPattern(text)
        self._check_front(text)
        out: list[str] = []
        with opened(os.open(".", READABLE_DIRECTORY | os.O_CLOEXEC, dir_fd=self.root)) as top:
            self._match_in(top, "", pattern, None, out)
        return out

    def _check_front(self, text: str) -> None:
        """What stands in front of the first wildcard has to be a directory that is there."""
        parts = text.split("/")
        count = next(at for at, part in enumerate(parts) if _has_wildcard(part))
        front = "/".join(parts[:count])
        if front:
            try:
                os.close(open_in_root(self.root, front, DIRECTORY))
            except OSError as error:
                raise NoSuchSource(front, self._near_hint(front)) from error

    def _match_in(
        self, directory: int, path: str, pattern: Pattern, verdict: Verdict | None, out: list[str]
    ) -> None:
        with os.scandir(directory) as entries:
            listed = sorted(entries, key=_name_of)
        for entry in listed:
            here = f"{path}/{entry.name}" if path else entry.name
            own = self.ignore.verdict(here, verdict) if self.ignore is not None else None
            if own is not None and own.ignored and not own.may_hold_included:
                continue
            is_directory = entry.is_dir(follow_symlinks=False)
            if pattern.matches(here):
                if own is None or not own.ignored or is_directory:
                    out.append(here)
            elif is_directory and pattern.may_match_below(here):
                flags = READABLE_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                with opened(os.open(entry.name, flags, dir_fd=directory)) as fd:
                    self._match_in(fd, here, pattern, own, out)

    def _excluded_hint(self, verdict: Verdict) -> str:
        rule = verdict.rule
        where = f"{self.ignore_name}:{rule.line}: {rule.text}" if rule else self.ignore_name
        return f"it is there, but left out of the context by {where}"

    def _near_hint(self, path: str) -> str:
        folder, missing = "", path
        for part in path.split("/"):
            here = f"{folder}/{part}" if folder else part
            try:
                os.close(open_in_root(self.root, here, os.O_PATH))
            except OSError:
                missing = part
                break
            folder = here
        try:
            with opened(open_in_root(self.root, folder or ".", READABLE_DIRECTORY)) as descriptor:
                near = nearest(missing, sorted(os.listdir(descriptor)))
        except OSError:
            near = ""
        called = f"{folder}/{near}" if folder else near
        return f"{self.name} has {called}" if near else f"{self.name} has no such path"


def _name_of(entry: os.DirEntry[str]) -> str:
    return entry.name


def _clean(path: str) -> str:
    """Relative to the root, which `..` does not leave."""
    return posixpath.normpath("/" + path).strip("/")


def _has_wildcard(text: str) -> bool:
    return not _WILDCARDS.isdisjoint(text)
