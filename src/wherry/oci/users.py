"""Whom the process runs as: names and numbers looked up in the container's own files.

As in Docker: a number need not be known, a name must; the groups that list a user are its
supplementary ones unless a group is named; the primary group is always among them.
"""

from collections.abc import Callable, Iterable

from wherry.errors import InvalidArgument
from wherry.oci.runtime_spec import User
from wherry.values import dataclass

_HIGHEST = (1 << 31) - 1

# The lines of a file of the container, none when it is missing.
ReadLines = Callable[[str], Iterable[str]]


class NoSuchUser(InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"unable to find user {name}: no matching entries in passwd file")


class NoSuchGroup(InvalidArgument):
    def __init__(self, name: str, *, additional: bool = False) -> None:
        verb = "Unable" if additional else "unable"
        super().__init__(f"{verb} to find group {name}: no matching entries in group file")


class IDOutOfRange(InvalidArgument):
    def __init__(self) -> None:
        super().__init__(f"uids and gids must be in range 0-{_HIGHEST}")


@dataclass(frozen=True, slots=True)
class _Account:
    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class _Group:
    name: str
    gid: int
    members: tuple[str, ...]


def resolve_user(text: str, group_add: Iterable[str], read: ReadLines) -> User:
    """The user that `[user][:group]` names, with the groups of --group-add."""
    name, _, group_name = text.partition(":")
    account = _find_account(name, read)
    groups = list(_groups(read))
    if account is None:
        uid = 0 if not name else _number(name, NoSuchUser(name))
        account = _Account("", uid, 0)
    gid = account.gid
    supplementary: list[int] = []
    if group_name:
        gid = _group_id(group_name, groups, NoSuchGroup(group_name))
    elif account.name:
        supplementary = [group.gid for group in groups if account.name in group.members]
    added = [_group_id(one, groups, NoSuchGroup(one, additional=True)) for one in group_add]
    return User(
        uid=account.uid,
        gid=gid,
        additional_gids=tuple(dict.fromkeys((gid, *supplementary, *added))),
    )


def _find_account(name: str, read: ReadLines) -> _Account | None:
    number = _parsed(name) if name else 0
    for account in _accounts(read):
        if account.name == name or (number is not None and account.uid == number):
            return account
    return None


def _accounts(read: ReadLines) -> Iterable[_Account]:
    for line in read("/etc/passwd"):
        fields = line.strip().split(":")
        if len(fields) < 4:
            continue
        uid, gid = _parsed(fields[2]), _parsed(fields[3])
        if uid is not None and gid is not None:
            yield _Account(fields[0], uid, gid)


def _groups(read: ReadLines) -> Iterable[_Group]:
    for line in read("/etc/group"):
        fields = line.strip().split(":")
        if len(fields) < 3:
            continue
        gid = _parsed(fields[2])
        if gid is not None:
            members = fields[3].split(",") if len(fields) > 3 else []
            yield _Group(fields[0], gid, tuple(members))


def _group_id(name: str, groups: Iterable[_Group], missing: InvalidArgument) -> int:
    number = _parsed(name)
    for group in groups:
        if group.name == name or (number is not None and group.gid == number):
            return group.gid
    return _number(name, missing)


def _parsed(text: str) -> int | None:
    """A whole number within range, None for anything else."""
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        return None
    return int(text)


def _number(text: str, missing: InvalidArgument) -> int:
    if text.startswith("-") and text[1:].isascii() and text[1:].isdigit():
        raise IDOutOfRange
    number = _parsed(text)
    if number is None:
        raise missing
    if number > _HIGHEST:
        raise IDOutOfRange
    return number
