"""docker-py at our service, as its users use it."""

import gc
import io
import tarfile
import warnings
from collections.abc import Iterator

import pytest

pytest.importorskip("docker")

import docker

from wherry.testing.service import RunningService

# It leaves the connections of execs to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def py(service: RunningService) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=service.address, timeout=30)
    yield client
    client.close()
    # Now, so that they do not turn up as warnings in somebody else's test.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_a_container_is_run_for_its_output(py: docker.DockerClient) -> None:
    assert py.containers.run("busybox", "echo hello", remove=True) == b"hello\n"
    with pytest.raises(docker.errors.ContainerError):
        py.containers.run("busybox", "false", remove=True)
    with pytest.raises(docker.errors.NotFound):
        py.containers.get("nosuch")
    with pytest.raises(docker.errors.ImageNotFound):
        py.images.get("nosuch:1")


def test_a_container_is_worked_with(py: docker.DockerClient) -> None:
    box = py.containers.run(
        "busybox", "sleep 60", detach=True, name="box", labels={"a": "b"}, mem_limit="64m"
    )
    assert box.exec_run("echo out").output == b"out\n"
    assert box.exec_run(["sh", "-c", "exit 7"]).exit_code == 7
    assert box.exec_run("sh -c 'echo o; echo e >&2'", demux=True).output == (b"o\n", b"e\n")
    assert [each.name for each in py.containers.list(filters={"label": "a=b"})] == ["box"]
    assert box.top()["Processes"][0][-1] == "sleep 60"
    box.pause()
    box.reload()
    assert box.status == "paused"
    box.unpause()
    assert box.stats(stream=False)["memory_stats"]["limit"] == 64 << 20
    box.rename("other")
    box.restart(timeout=0)
    box.stop(timeout=0)
    assert box.wait()["StatusCode"] == 137
    box.remove()


def test_input_goes_over_the_socket(py: docker.DockerClient) -> None:
    box = py.containers.create("busybox", "cat", stdin_open=True)
    connection = box.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    box.start()
    connection._sock.sendall(b"words\n")
    connection._sock.shutdown(1)
    assert connection.read(8 + 6)[8:] == b"words\n"
    connection.close()
    box.remove(force=True)


def test_archives_go_in_and_out(py: docker.DockerClient) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        info = tarfile.TarInfo("file")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"text"))
    box = py.containers.create("busybox", "cat /tmp/file")

    assert box.put_archive("/tmp", data.getvalue())
    pieces, status = box.get_archive("/tmp/file")

    assert status["size"] == 4
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        assert tar.getnames() == ["file"]
    box.start()
    box.wait()
    assert box.logs() == b"text"


def test_images_are_named_saved_and_loaded(py: docker.DockerClient) -> None:
    image = py.images.get("busybox")
    assert image.tag("kept", "1")
    archive = b"".join(py.images.get("kept:1").save(named="kept:1"))
    py.images.remove("kept:1")
    (loaded,) = py.images.load(archive)
    assert "kept:1" in loaded.tags
    py.images.remove("kept:1")
    assert py.images.prune()["ImagesDeleted"] is None


def test_volumes_and_events(py: docker.DockerClient) -> None:
    events = py.events(decode=True, filters={"type": "volume"})
    volume = py.volumes.create("kept", labels={"a": "b"})
    event = next(events)
    events.close()
    assert (event["Action"], event["Actor"]["ID"]) == ("create", "kept")
    assert [each.name for each in py.volumes.list(filters={"label": "a"})] == ["kept"]
    volume.remove()


def test_logs_are_followed(py: docker.DockerClient) -> None:
    box = py.containers.run("busybox", "sh -c 'echo 1; sleep 0.1; echo 2'", detach=True)
    assert b"".join(box.logs(stream=True, follow=True)) == b"1\n2\n"
