"""Git repositories: one commit of them, checked out by git itself, and kept.

What a branch or tag leads to is asked of the repository each time; a commit that was checked out
before is not fetched again.
"""

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path

from wherry.build.git_address import GitAddress, InvalidGitAddress, parse_git
from wherry.build.kept_sources import held_source
from wherry.build.urls import redacted
from wherry.build.web_sources import FetchFailed
from wherry.errors import InvalidArgument, NotFound, Unsupported
from wherry.linux.files import remove_tree
from wherry.store.leases import Lease
from wherry.values import replace

_COMMIT_LENGTHS = (40, 64)  # hex digits of SHA-1, SHA-256
_FETCHED = "FETCH_HEAD"


class WrongCommit(InvalidArgument):
    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected checksum to match {expected}, got {found}")


class NoSuchRevision(NotFound):
    def __init__(self, address: GitAddress) -> None:
        where = redacted(address.remote)
        super().__init__(f"repository {where} does not contain ref {address.reference}")


class Contradiction(InvalidArgument):
    """The URL and the flags of an ADD must not contradict each other."""


def fetch_git(
    lease: Lease, url: str, undo: ExitStack, *, checksum: str = "", keep_git: bool | None = None
) -> Path:
    """The files of the commit that the URL means, in a folder that stays until `undo`.

    Raises FetchFailed, NoSuchRevision, WrongCommit, InvalidGitAddress, Contradiction.
    """
    address = _with_flags(parse_git(url), checksum, keep_git)
    git = _Git(address, lease.new_path("-git"))
    commit, reference = git.resolved()
    if not any(each.startswith(address.checksum.lower()) for each in (commit, *git.tag_objects)):
        raise WrongCommit(address.checksum, commit)
    keeps = bool(address.keep_git) and not address.folder
    words = (address.remote, commit, address.folder, str(address.submodules))
    identity = " ".join(("git", *words, reference if keeps else "", str(keeps)))
    shown = f"git snapshot for {redacted(address.remote)}#{address.reference or commit}"
    kept = held_source(lease, identity, shown, undo)
    if kept.facts():
        return kept.files
    git.fetch(commit, reference)
    if address.submodules:
        git.run("submodule", "update", "--init", "--recursive", "--depth=1", "-q")
    if keeps:
        git.settle(commit, reference)
    else:
        remove_tree(git.folder / ".git")
    return kept.put(git.below(address.folder), commit, {"commit": commit})


def _with_flags(address: GitAddress, checksum: str, keep_git: bool | None) -> GitAddress:
    if checksum and address.checksum not in ("", checksum):
        raise Contradiction(f'checksum mismatch "{checksum}" != "{address.checksum}"')
    if keep_git is not None and address.keep_git not in (None, keep_git):
        raise Contradiction("inconsistent keep-git-dir configuration")
    keep = address.keep_git if keep_git is None else keep_git
    return replace(address, checksum=checksum or address.checksum, keep_git=keep)


class _Git:
    """A clone in the new folder `folder`."""

    def __init__(self, address: GitAddress, folder: Path) -> None:
        self.address = address
        self.folder = folder
        self.tag_objects: list[str] = []
        folder.mkdir(mode=0o755)

    def resolved(self) -> tuple[str, str]:
        """The commit that is wanted, and the full name of the branch or tag that leads there."""
        wanted = self.address.reference or "HEAD"
        if len(wanted) in _COMMIT_LENGTHS and set(wanted) <= set("0123456789abcdef"):
            return wanted, ""
        found = {}
        for line in self.run("ls-remote", "--", self.address.remote).splitlines():
            commit, _, name = line.partition("\t")
            found[name] = commit
        for name in (wanted, f"refs/{wanted}", f"refs/tags/{wanted}", f"refs/heads/{wanted}"):
            if name in found:
                # A tag with a message is an object of its own: `^{}` is what it is of.
                self.tag_objects.append(found[name])
                return found.get(f"{name}^{{}}", found[name]), "" if name == "HEAD" else name
        return self._resolved_by_history(wanted), ""

    def _resolved_by_history(self, wanted: str) -> str:
        """Of what no name is: the beginning of a commit, say."""
        self._fetch_everything()
        try:
            return self.run("rev-parse", "--verify", "--end-of-options", f"{wanted}^{{commit}}")
        except FetchFailed:
            raise NoSuchRevision(self.address) from None

    def fetch(self, commit: str, reference: str) -> None:
        self._begin()
        if not self._has(commit):
            try:
                self.run("fetch", "-q", "--depth=1", "--", self.address.remote, reference or commit)
            except FetchFailed:
                # Not every server hands out a commit by its number.
                self._fetch_everything()
            if not self._has(commit):
                self._fetch_everything()
        self.run("checkout", "-q", "--detach", commit)

    def settle(self, commit: str, reference: str) -> None:
        """Leave in .git what a clone has, and nothing of how it came here."""
        self.run("remote", "add", "origin", redacted(self.address.remote))
        if reference.startswith(("refs/heads/", "refs/tags/")):
            self.run("update-ref", reference, commit)
        self.run("reflog", "expire", "--all", "--expire=now")
        (self.folder / ".git" / _FETCHED).unlink(missing_ok=True)

    def below(self, folder: str) -> Path:
        """The folder of the checkout; none that links lead to, as in BuildKit."""
        top = Path(os.path.normpath(self.folder / folder.lstrip("/")))
        if not top.is_relative_to(self.folder):
            raise InvalidGitAddress(self.address.remote, f"{folder} is outside of the repository")
        if top.resolve() != self.folder.resolve() / top.relative_to(self.folder):
            raise InvalidGitAddress(self.address.remote, f"{folder} leads through a link")
        if not top.is_dir():
            raise InvalidGitAddress(self.address.remote, f"the repository has no folder {folder}")
        return top

    def run(self, *words: str) -> str:
        """What git answers."""
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
        # Programs of the caller's repository, as in a hook, are about that one.
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
            environment.pop(name, None)
        try:
            done = subprocess.run(
                ["git", *words],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise Unsupported(f"{redacted(self.address.remote)}: git is not installed") from error
        if done.returncode != 0:
            reason = " ".join(done.stderr.decode(errors="replace").split())
            raise FetchFailed(self.address.remote, reason or f"git {words[0]} failed")
        return done.stdout.decode(errors="replace").strip()

    def _begin(self) -> None:
        if not (self.folder / ".git").exists():
            self.run("-c", "init.defaultBranch=master", "init", "-q", "--template=")

    def _has(self, commit: str) -> bool:
        try:
            self.run("cat-file", "-e", f"{commit}^{{commit}}")
        except FetchFailed:
            return False
        return True

    def _fetch_everything(self) -> None:
        self._begin()
        everything = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
        self.run("fetch", "-q", "--", self.address.remote, *everything)
