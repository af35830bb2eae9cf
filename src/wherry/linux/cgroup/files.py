"""Reading and writing the small files of a cgroup, and making and removing its directories."""

import errno
import os

_WRITE = os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW


def write(path: str, value: str) -> None:
    """Write `value` in one piece, as the kernel wants it, or raise OSError with a note."""
    try:
        descriptor = os.open(path, _WRITE)
        try:
            os.write(descriptor, value.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        error.filename = path
        error.add_note(f'failed to write "{value}"')
        raise


def read(path: str) -> str:
    """The content without the newline at its end; OSError if there is no such file."""
    descriptor = os.open(path, _READ)
    try:
        content = os.read(descriptor, 65536)
        while len(content) % 65536 == 0 and (more := os.read(descriptor, 65536)):
            content += more
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(descriptor)
    return content.decode().rstrip("\n")


def read_number(path: str, default: int = 0) -> int:
    """The number in a file; `default` for "max" and where the kernel lacks the file."""
    try:
        text = read(path)
    except FileNotFoundError:
        return default
    return default if text == "max" else int(text)


def read_limit(path: str) -> int | None:
    """The number in a file, or `None` for "max" and where the kernel lacks the file."""
    number = read_number(path, -1)
    return None if number == -1 else number


def read_table(path: str) -> dict[str, int]:
    """A file of lines "key number"; empty where the kernel lacks it."""
    try:
        lines = read(path).splitlines()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENODEV):  # ENODEV: removed since it was opened
            return {}
        raise
    pairs = (line.split() for line in lines)
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def make_directory(directory: str) -> bool:
    """Make `directory` and the parents it lacks; whether it was not there before."""
    try:
        os.mkdir(directory, 0o755)
    except FileExistsError:
        return False
    except FileNotFoundError:
        make_directory(os.path.dirname(directory))
        return make_directory(directory)
    return True


def subtree(directory: str) -> list[str]:
    """The cgroups below `directory`, each before its parent, then `directory` itself."""
    # Not recursive: a container may have nested them deeper than Python's stack.
    found: list[str] = []
    pending = [directory]
    while pending:
        current = pending.pop()
        try:
            with os.scandir(current) as entries:
                pending += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            continue
        found.append(current)
    found.reverse()
    return found


def remove_directories(directories: list[str]) -> list[OSError]:
    """Remove each with all below it; the failures, of which a missing directory is none."""
    failures: list[OSError] = []
    for directory in directories:
        # Nearly always there are no children, and one call does it.
        if _removed(directory) is None:
            continue
        for below in subtree(directory):
            failure = _removed(below)
            if failure is not None:
                failures.append(failure)
    return failures


def _removed(directory: str) -> OSError | None:
    try:
        os.rmdir(directory)
    except OSError as error:
        return None if error.errno == errno.ENOENT else error
    return None


def process_ids(directory: str) -> list[int]:
    """The ids in `cgroup.procs` of `directory` and of every cgroup below it."""
    found: list[int] = []
    for below in subtree(directory):
        try:
            found.extend(int(line) for line in read(f"{below}/cgroup.procs").split())
        except OSError as error:
            # Gone meanwhile; or threaded, whose processes the domain above it lists.
            if error.errno not in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
                raise
    return [pid for pid in found if pid]  # 0 is a process of another pid namespace
