"""Manifests, tags and blobs of one repository, with Debian's docker-registry."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO, cast

import pytest

from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.manifest import oci_manifest
from wherry.oci.media_type import OCI_CONFIG, OCI_MANIFEST
from wherry.oci.reference import Reference
from wherry.registry.download import has_blob, read_small_blob
from wherry.registry.errors import BlobUnknown, InvalidAnswer, ManifestUnknown, RepositoryUnknown
from wherry.registry.patience import Patience
from wherry.registry.repository import ManifestDocument, Repository, open_repositories
from wherry.registry.session import Session
from wherry.registry.settings import Settings
from wherry.registry.transport import Transport
from wherry.registry.upload import begin_upload, upload_blob
from wherry.testing.registries import DockerRegistry, Exchange, HostileRegistry

CONTENT = b"some content " * 50_000


def opened(host: str, path: str = "team/app") -> Repository:
    transport = Transport(patience=Patience(attempts=3, first_delay=0.01), environ={})
    session = Session(transport, Settings(), lambda _domain: None)
    (repository,) = open_repositories(session, Reference.parse(f"{host}/{path}"), "pull,push")
    return repository


@pytest.fixture(scope="module")
def registry() -> Iterator[DockerRegistry]:
    with DockerRegistry() as running:
        yield running


@pytest.fixture
def repository(registry: DockerRegistry) -> Iterator[Repository]:
    found = opened(registry.host)
    with closing(found.session):
        yield found


def send(repository: Repository, data: bytes) -> Descriptor:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        upload_blob(repository, Digest.of_bytes(data), cast(BinaryIO, file))
    return Descriptor(media_type=OCI_CONFIG, digest=Digest.of_bytes(data), size=len(data))


def put(repository: Repository, tag: str) -> Digest:
    config = send(repository, b"{}")
    data = oci_manifest(config, ()).to_bytes()
    descriptor = Descriptor(media_type=OCI_MANIFEST, digest=Digest.of_bytes(data), size=len(data))
    repository.put_manifest(tag, ManifestDocument(descriptor=descriptor, data=data))
    return descriptor.digest


@pytest.mark.needs("registry")
def test_a_blob_that_is_sent_is_there(repository: Repository) -> None:
    assert has_blob(repository, Digest.of_bytes(CONTENT)) is None

    descriptor = send(repository, CONTENT)

    assert has_blob(repository, descriptor.digest) == len(CONTENT)
    assert read_small_blob([repository], descriptor, 1 << 20) == CONTENT
    unknown = Descriptor(media_type="", digest=Digest.of_bytes(b"other"), size=5)
    with pytest.raises(BlobUnknown, match="blob unknown"):
        read_small_blob([repository], unknown, 1 << 20)


@pytest.mark.needs("registry")
def test_a_manifest_has_a_tag_and_a_digest_until_it_is_deleted(
    registry: DockerRegistry,
) -> None:
    repository = opened(registry.host, "team/deleted")
    digest = put(repository, "1")

    assert repository.resolve("1").digest == digest
    assert repository.manifest(str(digest)).descriptor == repository.manifest("1").descriptor
    repository.delete_manifest(digest)
    with pytest.raises(ManifestUnknown):
        repository.resolve("1")
    repository.session.close()


@pytest.mark.needs("registry")
def test_every_tag_is_listed(registry: DockerRegistry) -> None:
    repository = opened(registry.host, "team/tags")
    wanted = [f"v{number}" for number in range(10, 15)]
    for tag in wanted:
        put(repository, tag)

    assert sorted(repository.tags()) == wanted
    with pytest.raises(RepositoryUnknown, match="name unknown"):
        list(opened(registry.host, "team/none").tags())
    repository.session.close()


def test_tags_come_page_by_page_but_not_for_ever() -> None:
    def page(exchange: Exchange) -> None:
        last = int(exchange.path.rpartition("last=")[2] or 0) if "last=" in exchange.path else 0
        headers = {}
        if last < most:
            headers["Link"] = f'</v2/team/app/tags/list?n=2&last={last + 2}>; rel="next"'
        exchange.answer(200, f'{{"tags": ["v{last}", "v{last + 1}"]}}'.encode(), **headers)

    with HostileRegistry() as hostile:
        hostile.behaviours["/tags/list"] = page
        repository = opened(hostile.host)
        most = 4
        assert list(repository.tags(page=2)) == ["v0", "v1", "v2", "v3", "v4", "v5"]
        most = 1 << 40
        with pytest.raises(InvalidAnswer, match="has no end"):
            list(repository.tags(page=2))
        repository.session.close()


def test_an_upload_that_breaks_goes_on_where_the_registry_has_it() -> None:
    received = io.BytesIO()

    def upload(exchange: Exchange) -> None:
        place = "/v2/team/app/blobs/uploads/1?state=x"
        length = int(exchange.headers.get("Content-Length", "0"))
        if exchange.command == "PATCH" and not received.tell():
            received.write(exchange.rfile.read(1000))
            exchange.reset()
            return
        received.write(exchange.rfile.read(length))
        if exchange.command == "PUT":
            exchange.answer(201)
            return
        status = 204 if exchange.command == "GET" else 202
        exchange.answer(status, Location=place, Range=f"0-{max(received.tell() - 1, 0)}")

    with HostileRegistry() as hostile:
        hostile.behaviours["/blobs/uploads/"] = upload
        repository = opened(hostile.host)
        send(repository, CONTENT)
        repository.session.close()

    assert received.getvalue() == CONTENT
    assert [command for command, path, _ in hostile.seen if "uploads" in path] == [
        "POST",
        "PATCH",
        "GET",
        "PATCH",
        "PUT",
    ]
    assert f"digest=sha256%3A{Digest.of_bytes(CONTENT).hex}" in hostile.seen[-1][1]


def test_a_small_blob_takes_two_requests() -> None:
    received: list[bytes] = []

    def upload(exchange: Exchange) -> None:
        received.append(exchange.rfile.read(int(exchange.headers.get("Content-Length", "0"))))
        created = exchange.command == "PUT"
        exchange.answer(201 if created else 202, Location="/v2/team/app/blobs/uploads/1")

    with HostileRegistry() as hostile:
        hostile.behaviours["/blobs/uploads/"] = upload
        repository = opened(hostile.host)
        send(repository, b"small")
        repository.session.close()

    assert [command for command, path, _ in hostile.seen if "uploads" in path] == ["POST", "PUT"]
    assert received == [b"", b"small"]


def test_an_upload_may_lie_at_another_host_which_gets_no_credentials() -> None:
    with HostileRegistry() as hostile, HostileRegistry() as other:
        hostile.behaviours["/uploads/"] = lambda exchange: exchange.answer(
            202, Location=f"http://{other.host}/v2/up"
        )
        repository = opened(hostile.host)
        assert begin_upload(repository) == f"http://{other.host}/v2/up"
        repository.send("GET", f"http://{other.host}/v2/up", {}).close()
        repository.session.close()
        assert [headers.get("Authorization") for _, _, headers in other.seen] == [None]
