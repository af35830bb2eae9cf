"""Having the client's folders here: the Dockerfile, what the ignore file leaves of the context.

    dockerfile   Dockerfile, Dockerfile.dockerignore   each time anew
    context      .dockerignore                         each time anew
    context      all but what is ignored               what has changed since the last build

Each is kept under the shared key that the client's session has, which is that of the folder. What
has none is fetched as a whole: files of one size and time need not be the same ones then.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path
from urllib.parse import quote_plus

from wherry.api.buildkit.attributes import Definition
from wherry.api.buildkit.grpc import CallFailed, Outgoing
from wherry.api.buildkit.http2 import Headers
from wherry.api.buildkit.jobs import Job
from wherry.api.buildkit.kept_contexts import kept_context
from wherry.api.buildkit.receiver import InvalidTransfer, Receiver
from wherry.api.buildkit.session import Session
from wherry.api.buildkit.threads import in_thread
from wherry.build.contexts import DEFAULT_NAME, NoDockerfile, read_inside
from wherry.dockerfile.characters import SPACE
from wherry.dockerfile.ignore_patterns import clean
from wherry.dockerfile.ignorefile import parse_ignore_file
from wherry.errors import InvalidArgument
from wherry.linux.files import remove_entry
from wherry.linux.openat import directory_descriptor
from wherry.values import dataclass

_DIFF_COPY = "/moby.filesync.v1.FileSync/DiffCopy"
IGNORE = ".dockerignore"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    """The client's files, as they are here. A context that is not the client's has no folder."""

    dockerfile: str = ""
    """A path; "" where the Dockerfile is in a context that is not the client's."""
    text: bytes = b""
    context: Path | None = None
    named: "dict[str, str]"


def loading(definition: Definition) -> str:
    """The vertex of the Dockerfile's transfer."""
    return f"[internal] load build definition from {definition.filename}"


class Contexts:
    """Those of one build; in use until the stack is left."""

    def __init__(self, root: Path, session: Session, job: Job, undo: AsyncExitStack) -> None:
        self._root = root
        self._session = session
        self._job = job
        self._undo = undo.enter_context(ExitStack())

    async def fetch(self, definition: Definition, *, whole: bool = True) -> Ours:
        """Have all here that the build reads of the client's; else what says what it would be."""
        dockerfile, text, ignore = "", b"", None
        if not definition.url or definition.own_dockerfile:
            folder, name = await self._dockerfile(definition)
            dockerfile = str(folder / name)
            with directory_descriptor(folder) as root:
                text = read_inside(root, name) or b""
                ignore = read_inside(root, name + IGNORE)
        context = None
        if not whole:
            if not definition.url:
                context = await self._ignore_folder()
            return Ours(dockerfile=dockerfile, text=text, context=context, named={})
        if not definition.url:
            if ignore is None:
                with directory_descriptor(await self._ignore_folder()) as root:
                    ignore = read_inside(root, IGNORE)
            excludes = [*patterns(ignore or b"")]
            context = await self._sync("context", "load build context", "context", excludes)
        named = {}
        for name, local in definition.locals.items():
            key = definition.shared_keys.get(name, "")
            title = f"[context {name}] load from client"
            named[name] = str(await self._sync(local, title, local, [], hint=key))
        return Ours(dockerfile=dockerfile, text=text, context=context, named=named)

    async def _dockerfile(self, definition: Definition) -> tuple[Path, str]:
        name = definition.filename
        if name.startswith("/") or ".." in name.split("/"):
            raise InvalidArgument(f"the Dockerfile {name} is outside of its folder")
        names = [name, name + IGNORE]
        above, _, last = name.rpartition("/")
        lower = f"{above}/{last.lower()}".lstrip("/")
        if last == DEFAULT_NAME:
            names.append(lower)
        title = loading(definition)
        folder = await self._sync("dockerfile", title, "dockerfile", [], follow=names)
        for each in (name, lower):
            with directory_descriptor(folder) as root:
                if read_inside(root, each) is not None:
                    return folder, each
        raise NoDockerfile(name)

    async def _ignore_folder(self) -> Path:
        """The context with nothing in it but the ignore file."""
        return await self._sync("context", f"load {IGNORE}", IGNORE, [], follow=[IGNORE])

    async def _sync(
        self,
        name: str,
        title: str,
        what: str,
        excludes: list[str],
        *,
        follow: list[str] | None = None,
        hint: str = "",
    ) -> Path:
        """The folder that the client's folder `name` is kept in, brought up to date.

        What is asked for by name, `follow`, is fetched whatever is here.
        """
        is_known = not follow and bool(hint or self._session.shared_key)
        key = "\0".join((name, what, hint, self._session.shared_key))
        kept = kept_context(self._root, key, f"local source for {name}")
        folder = await in_thread(self._undo.enter_context, kept)
        if not is_known:
            await in_thread(_empty, folder)
        vertex = title if title.startswith("[") else f"[internal] {title}"
        async with self._job.progress.vertex(vertex) as say:
            size = await self._receive(name, folder, excludes, follow or [])
            await say(f"transferring {name}: {_shown(size)} done")
        return folder

    async def _receive(
        self, name: str, folder: Path, excludes: list[str], follow: list[str]
    ) -> int:
        metadata = [("dir-name", name), *_encoded("exclude-patterns", excludes)]
        metadata += _encoded("followpaths", follow)
        outgoing = await self._session.call(_DIFF_COPY, metadata)
        # Requests wait here, since the client takes them no faster than it gets rid of its data.
        requests: asyncio.Queue[bytes] = asyncio.Queue()
        sending = asyncio.create_task(_send(outgoing, requests))
        with directory_descriptor(folder) as root:
            receiver = Receiver(root)
            try:
                async for batch in outgoing.batches():
                    for answer in await in_thread(receiver.take, batch):
                        requests.put_nowait(answer)
                    if receiver.finished:
                        requests.put_nowait(b"")
            finally:
                sending.cancel()
                await outgoing.close()
                receiver.close()
        if not receiver.finished:
            raise InvalidTransfer("it ended before its time")
        return receiver.received


async def _send(outgoing: Outgoing, messages: "asyncio.Queue[bytes]") -> None:
    """Send what is put there, until that is b""; a client that goes is told of where it is read."""
    with suppress(CallFailed):
        while message := await messages.get():
            await outgoing.send(message)
        await outgoing.end()


def patterns(ignore: bytes) -> Iterator[str]:
    """The patterns of an ignore file, as clients match them."""
    for rule in parse_ignore_file(ignore, IGNORE).rules:
        path = clean(rule.text.removeprefix("!").strip(SPACE))
        yield "!" * rule.includes + (path.removeprefix("/") or path)


def _empty(folder: Path) -> None:
    with directory_descriptor(folder) as root:
        for name in os.listdir(root):
            remove_entry(root, os.fsencode(name))


def _encoded(name: str, values: list[str]) -> Headers:
    """A list in metadata, which are ASCII."""
    if all(value.isascii() and value.isprintable() for value in values):
        return [(name, value) for value in values]
    return [*((name, quote_plus(value)) for value in values), (f"{name}-encoded", "1")]


def _shown(size: float) -> str:
    """As BuildKit shows sizes: 1.23kB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f}B" if unit == "B" else f"{size:.2f}{unit}"
        size /= 1000
    return f"{size:.2f}TB"
