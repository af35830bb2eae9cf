"""Reading a container's log back from systemd's journal.

What was sent to the journal is in it only a moment later, so it is asked to catch up before the
last look: at once when the log is read, and when the container has ended while it is followed.
"""

import json
import select
from collections.abc import Iterator

from wherry.linux.journal import Journal, synchronize
from wherry.oci.timestamps import format_timestamp
from wherry.shim.log.journald import KNOWN_FIELDS
from wherry.shim.log.json_file_decoder import Block
from wherry.shim.log.reader import ALL, LogRequest, Output, Pieces

_STREAMS = {b"6": 1, b"3": 2}  # by PRIORITY


class JournalReader:
    """The entries that one container has made."""

    def __init__(self, container_id: str, request: LogRequest) -> None:
        self._request = request
        self._output = Output(request)
        self._ended = False
        self._journal = Journal("CONTAINER_ID_FULL", container_id)

    def read(self) -> Pieces:
        """Everything there is now."""
        synchronize()
        if self._request.tail != 0:
            yield from self._first()
            yield from self._rest()

    def follow(self, supervisor: int, stop: int = -1) -> Pieces:
        """Everything there is, then what comes, until the descriptor `supervisor` has its end.

        Or until `stop` can be read: nobody wants more.
        """
        poll = select.poll()
        journal = self._journal.fileno()  # from here on it tells of what comes
        for descriptor in (journal, supervisor, *((stop,) if stop >= 0 else ())):
            poll.register(descriptor, select.POLLIN)
        synchronize()
        yield from self._first()
        yield from self._rest()
        gone = False
        while not (gone or self._ended):
            ready = {descriptor for descriptor, _ in poll.poll()}
            if stop in ready:
                return
            if gone := supervisor in ready:
                synchronize()
            self._journal.refresh()
            yield from self._rest()

    def close(self) -> None:
        self._journal.__exit__()

    def _first(self) -> Pieces:
        """Find the place to begin at; the entry there, if the place is one."""
        request = self._request
        if request.tail != ALL:
            if request.until:
                self._journal.go_to(request.until)
            else:
                self._journal.go_to_tail()
            if self._journal.go_back(max(request.tail, 1)):
                if request.tail:
                    yield from self._shown()
                return
        if request.since:
            self._journal.go_to(request.since)
        else:
            self._journal.go_to_head()

    def _rest(self) -> Pieces:
        while not self._ended and self._journal.next():
            yield from self._shown()

    def _shown(self) -> Pieces:
        block = _block_of(self._journal)
        if self._output.is_past(block):
            self._ended = True
        elif text := self._output.text_of(block):
            yield block.stream, text


def _block_of(journal: Journal) -> Block:
    fields = dict(journal.fields())
    text = fields.get("MESSAGE", b"")
    if fields.get("CONTAINER_PARTIAL_MESSAGE") != b"true":
        text += b"\n"
    return Block(
        stream=_STREAMS.get(fields.get("PRIORITY", b""), 1),
        time=format_timestamp(journal.time()).encode(),
        attributes=json.dumps(dict(_attributes(fields))).encode(),
        text=text,
    )


def _attributes(fields: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if not name.startswith("_") and name not in KNOWN_FIELDS:
            yield name, value.decode(errors="replace")
