"""What a build leaves with its client: files, or an archive, sent over its session.

moby, image     an image in the store     local       files in a folder of the client's
tar, oci, docker     an archive, sent as it is made
"""

import asyncio
import os
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path

from wherry.api.buildkit.grpc import Outgoing
from wherry.api.buildkit.http2 import Headers
from wherry.api.buildkit.messages.common import BYTES, Bytes
from wherry.api.buildkit.messages.control import Exporter, SolveRequest
from wherry.api.buildkit.messages.session import PACKET, PacketType
from wherry.api.buildkit.receiver import InvalidTransfer
from wherry.api.buildkit.sender import Sender
from wherry.api.buildkit.session import Session
from wherry.api.buildkit.threads import in_thread
from wherry.errors import InvalidArgument, Unsupported
from wherry.linux.openat import directory_descriptor
from wherry.values import dataclass

_SEND = "/moby.filesync.v1.FileSend/DiffCopy"
_NUMBER = ("buildkit-attachable-exporter-id", "0")
_IMAGES = ("moby", "image")
_ARCHIVES = ("tar", "oci", "docker")
_READ = 1 << 18
_AT_ONCE = 32  # packets, at most 32 KiB each
_TRUE, _FALSE = ("true", "1"), ("false", "0", "")
_IMAGE_KEYS = ("name", "push", "load", "unpack", "store")
"""Images are always unpacked and in the store."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """How a build is exported. `kind` is what its exporter is called, "" for none."""

    kind: str = ""
    names: tuple[str, ...] = ()
    push: bool = False

    @property
    def is_archive(self) -> bool:
        return self.kind in _ARCHIVES

    @property
    def is_folder(self) -> bool:
        return self.kind == "local"

    def options(self, folder: Path | None) -> dict[str, object]:
        """Options of a build; files for a client go into `folder`, an archive to its output."""
        if not self.kind:
            output = "type=cacheonly"
        elif self.is_folder:
            output = f"type=local,dest={folder}"
        elif self.is_archive:
            output = f"type={self.kind},dest=-"
        else:
            output = "type=image"
        return {"outputs": (output,), "tags": self.names, "push": self.push}


def read_export(request: SolveRequest) -> Export:
    """What a request wants made of its build."""
    exporters = list(request.exporters)
    if not exporters and request.exporter:
        exporters = [Exporter(type=request.exporter, attrs=request.exporter_attrs)]
    exporters = [each for each in exporters if each.type]
    if len(exporters) > 1:
        raise Unsupported("more than one output of a build is not supported by this engine")
    if not exporters:
        return Export()
    exporter = exporters[0]
    attrs = dict(exporter.attrs)
    if exporter.type not in (*_IMAGES, *_ARCHIVES, "local"):
        raise InvalidArgument(f"exporter {exporter.type!r} could not be found")
    known = _IMAGE_KEYS if exporter.type in _IMAGES else ("name",)
    for name in attrs:
        if name not in known:
            raise Unsupported(f"output key {name} of {exporter.type} is not supported")
    names = tuple(name for name in attrs.get("name", "").split(",") if name)
    return Export(kind=exporter.type, names=names, push=_truth(attrs, "push"))


def _truth(attrs: Mapping[str, str], name: str) -> bool:
    text = attrs.get(name, "false")
    if text not in (*_TRUE, *_FALSE):
        raise InvalidArgument(f"non-bool value {text} specified for {name}")
    return text in _TRUE


async def send_folder(session: Session, folder: Path) -> None:
    """Send the files of a folder."""
    outgoing = await session.call(_SEND, [_NUMBER])
    with directory_descriptor(folder) as root:
        sender = Sender(root)
        telling = asyncio.create_task(_send(outgoing, sender.entries()))
        try:
            async for batch in outgoing.batches():
                packets = [PACKET.decode(data) for data in batch]
                wanted = [each.id for each in packets if each.type == PacketType.REQUEST]
                await _send(outgoing, chain.from_iterable(map(sender.content, wanted)))
                for packet in packets:
                    if packet.type == PacketType.ERROR:
                        text = packet.data.decode("utf-8", "replace")
                        raise InvalidTransfer(f"error from receiver: {text}")
                    if packet.type == PacketType.END:
                        await outgoing.send(PACKET.encode(packet))
                        await outgoing.end()
            await telling
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await outgoing.close()


async def _send(outgoing: Outgoing, packets: Iterator[bytes]) -> None:
    """Send packets that are made of files, in a thread, some at a time."""
    while pieces := await in_thread(list, islice(packets, _AT_ONCE)):
        for piece in pieces:
            await outgoing.send(piece)


async def send_archive(session: Session, pipe: int, metadata: Headers = ()) -> None:
    """Send what comes out of a pipe, which this closes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_READ)
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", buffering=0)
    )
    try:
        outgoing = await session.call(_SEND, [_NUMBER, *metadata])
        try:
            while data := await reader.read(_READ):
                await outgoing.send(BYTES.encode(Bytes(data)))
            await outgoing.end()
            async for _ in outgoing.batches():
                pass
        finally:
            await outgoing.close()
    finally:
        transport.close()
