"""Files of containers: archives in and out, and whole root filesystems."""

import base64
import stat
from collections.abc import Iterator

from wherry.api import web
from wherry.api.call import Call, json_bytes
from wherry.api.headers import COMMON
from wherry.api.routing import Route
from wherry.api.streaming import body_chunks, stream
from wherry.engine.containers.archive import archive_of, put_archive, stat_in_container
from wherry.engine.containers.export import export_container
from wherry.engine.containers.orders import find_live_container
from wherry.engine.engine import Engine
from wherry.errors import InvalidArgument
from wherry.oci.timestamps import format_timestamp
from wherry.store.copying import PathStatus

_TAR = {"Content-Type": "application/x-tar"}
# Go's os.FileMode: its bits by those of stat(2).
_KINDS = {
    stat.S_IFDIR: 1 << 31,
    stat.S_IFLNK: 1 << 27,
    stat.S_IFBLK: 1 << 26,
    stat.S_IFCHR: 1 << 26 | 1 << 21,
    stat.S_IFIFO: 1 << 25,
    stat.S_IFSOCK: 1 << 24,
}
_SPECIAL = {stat.S_ISUID: 1 << 23, stat.S_ISGID: 1 << 22, stat.S_ISVTX: 1 << 20}


def go_file_mode(mode: int) -> int:
    """st_mode in the bits of Go's os.FileMode."""
    special = sum(theirs for ours, theirs in _SPECIAL.items() if mode & ours)
    return stat.S_IMODE(mode) & 0o777 | _KINDS.get(stat.S_IFMT(mode), 0) | special


def stat_header(status: PathStatus, path: str) -> str:
    """X-Docker-Container-Path-Stat of what was asked for as `path`."""
    document = {
        "name": "." if path.endswith("/.") else status.name,
        "size": status.size,
        "mode": go_file_mode(status.mode),
        "mtime": format_timestamp(status.mtime_ns),
        "linkTarget": status.link,
    }
    return base64.b64encode(json_bytes(document).rstrip()).decode()


def _path(call: Call) -> str:
    path = call.query.text("path")
    if not path:
        raise InvalidArgument("bad parameter: path cannot be empty")
    if "\0" in path:
        raise InvalidArgument("bad parameter: path holds a NUL byte")
    return path


async def get_archive(call: Call) -> web.StreamResponse:
    path = _path(call)
    status = await call.do_alone(stat_in_container, call.id, path)
    headers = {**COMMON, **_TAR, "X-Docker-Container-Path-Stat": stat_header(status, path)}
    if call.http.method == "HEAD":
        return web.Response(headers=headers)

    def produce(engine: Engine, _stop: int) -> Iterator[bytes]:
        with archive_of(engine, call.id, path) as (_, pieces):
            yield from pieces

    return await stream(call, headers, produce)


async def put_archive_(call: Call) -> web.Response:
    path, query = _path(call), call.query
    await call.do_alone(
        put_archive,
        call.id,
        path,
        body_chunks(call),
        keep_kinds=query.flag("noOverwriteDirNonDir"),
        own=query.flag("copyUIDGID"),
    )
    return web.Response()


async def get_export(call: Call) -> web.StreamResponse:
    container = await call.do(find_live_container, call.id)

    def produce(engine: Engine, _stop: int) -> Iterator[bytes]:
        return export_container(engine, container.id)

    return await stream(call, {"Content-Type": "application/octet-stream"}, produce)


ROUTES = (
    Route("HEAD", "/containers/{id}/archive", get_archive),
    Route("GET", "/containers/{id}/archive", get_archive),
    Route("PUT", "/containers/{id}/archive", put_archive_),
    Route("GET", "/containers/{id}/export", get_export),
)
