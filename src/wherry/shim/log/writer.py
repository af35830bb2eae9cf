"""Writing a container's log: chunks of its output in, records of its driver out."""

import json
import re
import time
from pathlib import Path

from wherry.oci.timestamps import format_timestamp
from wherry.shim.log import json_file
from wherry.shim.log.files import RotatingFile
from wherry.shim.log.lines import LineSplitter
from wherry.shim.log.options import LogOptions, read_log_options
from wherry.store.containers import Container
from wherry.typed import Protocol

STDOUT = 1
STDERR = 2


class Sink(Protocol):
    """Where blocks of lines go."""

    def write(self, block: bytes, stream: int, *, whole: bool) -> None: ...

    def clear(self) -> None: ...

    def close(self) -> None: ...


class LogWriter:
    """The log of one run of a container. Lines are kept back until they are whole."""

    def __init__(self, sink: Sink | None) -> None:
        self._sink = sink
        self._splitters = {STDOUT: LineSplitter(), STDERR: LineSplitter()}

    @property
    def rests(self) -> dict[int, bytes]:
        """The beginnings of lines that are kept back, by stream."""
        return {stream: splitter.rest for stream, splitter in self._splitters.items()}

    def take_up(self, rests: dict[int, bytes]) -> None:
        """Go on where another writer of the same run has stopped, without closing."""
        self._splitters = {stream: LineSplitter(rest) for stream, rest in rests.items()}

    def write(self, stream: int, data: bytes) -> None:
        """Log a chunk of output."""
        if self._sink is None:
            return
        for block, whole in self._splitters[stream].feed(data):
            self._sink.write(block, stream, whole=whole)

    def clear(self) -> None:
        if self._sink is not None:
            self._sink.clear()

    def close(self) -> None:
        """Log what came without a line break, and let go of the files."""
        if self._sink is None:
            return
        for stream, splitter in self._splitters.items():
            if rest := splitter.finish():
                self._sink.write(rest, stream, whole=False)
        self._sink.close()
        self._sink = None


def open_log(container: Container, folder: Path) -> LogWriter:
    """The log that `container` is configured to have, in its folder."""
    options = read_log_options(container.config.log.driver, container.config.log.options)
    if options.driver == "none":
        return LogWriter(None)
    if options.driver == "journald":
        return LogWriter(_JournalSink(container, options))
    path = log_path(container, folder)
    file = RotatingFile(path, options.capacity, options.count, options.compress)
    if options.driver == "local":
        return LogWriter(_LocalSink(file))
    return LogWriter(_JsonSink(file, log_attributes(container, options)))


def log_path(container: Container, folder: Path) -> Path:
    """The file that a container's log is written to, whatever exists of it."""
    if container.config.log.driver == "local":
        return folder / "local-log"
    return folder / f"{container.id}-json.log"


class _JsonSink:
    def __init__(self, file: RotatingFile, attributes: dict[str, str]) -> None:
        self._file = file
        self._attributes = b""
        if attributes:
            text = json.dumps(attributes, separators=(",", ":"), sort_keys=True)
            self._attributes = text.encode()

    def write(self, block: bytes, stream: int, *, whole: bool) -> None:
        now = format_timestamp(time.time_ns()).encode()
        encode = json_file.encode_lines if whole else json_file.encode_piece
        self._file.write_lines(encode(block, stream, now, self._attributes))

    def clear(self) -> None:
        self._file.clear()

    def close(self) -> None:
        self._file.close()


class _LocalSink:
    def __init__(self, file: RotatingFile) -> None:
        from wherry.shim.log import local  # the driver of few

        self._file = file
        self._encode = local.encode

    def write(self, block: bytes, stream: int, *, whole: bool) -> None:
        self._file.write_record(self._encode(block, stream, time.time_ns(), whole=whole))

    def clear(self) -> None:
        self._file.clear()

    def close(self) -> None:
        self._file.close()


class _JournalSink:
    def __init__(self, container: Container, options: LogOptions) -> None:
        # The driver of few
        from wherry.shim.log.journald import Journal, field_name, journal_fields

        attributes = log_attributes(container, options)
        tag = attributes.pop("tag", container.id[:12])
        fields = journal_fields(container.id, container.name, container.details.image_name, tag)
        self._journal = Journal(fields | {field_name(k): v for k, v in attributes.items()})

    def write(self, block: bytes, stream: int, *, whole: bool) -> None:
        self._journal.write(block, stream, whole=whole)

    def clear(self) -> None:
        return  # the journal's own, which vacuums by its own rules

    def close(self) -> None:
        self._journal.close()


def log_attributes(container: Container, options: LogOptions) -> dict[str, str]:
    """What --log-opt labels, env and tag add to each record."""
    wanted = options.tagging
    config = container.config
    attributes: dict[str, str] = {}
    environment = dict(entry.partition("=")[::2] for entry in config.env)
    for kind, values in (("labels", config.labels), ("env", environment)):
        names = wanted.get(kind, "")
        attributes |= {n: values[n] for n in names.split(",") if n in values}
        if expression := wanted.get(f"{kind}-regex", ""):
            found = re.compile(expression)
            attributes |= {n: value for n, value in values.items() if found.search(n)}
    if tag := wanted.get("tag", ""):
        attributes["tag"] = _rendered(tag, container)
    return attributes


_FIELD = re.compile(r"\{\{\s*\.(\w+)\s*\}\}")


def _rendered(template: str, container: Container) -> str:
    """A tag template, of the fields that Docker documents for it."""
    image_id = container.image_id.removeprefix("sha256:")
    values = {
        "ID": container.id[:12],
        "FullID": container.id,
        "Name": container.name,
        "ImageID": image_id[:12],
        "ImageFullID": container.image_id,
        "ImageName": container.details.image_name,
        "DaemonName": "wherry",
    }
    return _FIELD.sub(lambda match: values[match[1]], template)
