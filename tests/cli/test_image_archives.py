"""load, save and import: the same image on both sides, whoever writes and whoever reads."""

import gzip
import hashlib
import json
import subprocess
import tempfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from wherry.testing.archives import config_of, digest, old_archive, tar
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd

pytestmark = pytest.mark.needs("containers")

LAYERS = [tar({"a": b"first"}), tar({"b": b"second" * 1000}, {"link": "a"})]


@pytest.fixture(autouse=True)
def no_images_left(wherry: Wherry) -> Iterator[None]:
    yield
    for name in wherry("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").stdout.split("\n"):
        if name and not name.startswith("busybox:latest "):
            named, identifier = name.split()
            wherry("rmi", "-f", identifier if "<none>" in named else named)


def image_id(wherry: Wherry, name: str) -> str:
    return wherry("inspect", "--type", "image", "-f", "{{.Id}}", name).stdout.strip()


def save(wherry: Wherry, path: Path, *words: str) -> bytes:
    wherry("save", "-o", str(path), *words)
    return path.read_bytes()


def test_the_same_image_is_the_same_archive(wherry: Wherry, tmp_path: Path) -> None:
    first = save(wherry, tmp_path / "first", "busybox")
    identifier = image_id(wherry, "busybox")
    wherry("tag", "busybox", "kept:1")
    wherry("rmi", "-f", identifier)
    assert wherry("load", stdin=first).stdout == "Loaded image: busybox:latest\n"

    assert image_id(wherry, "busybox") == identifier
    assert save(wherry, tmp_path / "second", "busybox") == first


def test_docker_loads_what_we_save(wherry: Wherry, dockerd: Dockerd, tmp_path: Path) -> None:
    wherry("load", stdin=old_archive(LAYERS, "there:1", "there:2"))
    save(wherry, tmp_path / "archive", "there:1", "there:2")

    loaded = dockerd.docker("load", "-i", str(tmp_path / "archive")).stdout

    assert set(loaded.splitlines()) == {"Loaded image: there:1", "Loaded image: there:2"}
    found = dockerd.docker("inspect", "-f", "{{.Id}}", "there:1").stdout.strip()
    assert found == image_id(wherry, "there:1") == digest(config_of(LAYERS))
    dockerd.docker("rmi", "there:1", "there:2")


def test_we_load_what_docker_saves(wherry: Wherry, dockerd: Dockerd, tmp_path: Path) -> None:
    dockerd.docker("load", stdin=old_archive(LAYERS, "here:1"))
    dockerd.docker("save", "-o", str(tmp_path / "archive"), "here:1")

    loaded = wherry("load", "-i", str(tmp_path / "archive")).stdout

    assert loaded == "Loaded image: here:1\n"
    assert image_id(wherry, "here:1") == digest(config_of(LAYERS))
    dockerd.docker("rmi", "here:1")


@pytest.mark.needs("skopeo")
@pytest.mark.parametrize("form", ["docker", "oci"])
def test_skopeo_reads_and_writes_both_forms(wherry: Wherry, tmp_path: Path, form: str) -> None:
    wherry("load", stdin=old_archive(LAYERS, "copied:1"))
    save(wherry, tmp_path / "ours", "--format", form, "copied:1")

    target = f"{form}-archive:{tmp_path}/theirs" + (":copied:2" if form == "docker" else "")
    source = f"{form}-archive:{tmp_path}/ours"
    skopeo = ["skopeo", "--tmpdir", str(tmp_path), "copy", "--insecure-policy"]
    subprocess.run([*skopeo, source, target], check=True, capture_output=True)
    wherry("rmi", "copied:1")
    loaded = wherry("load", "-i", str(tmp_path / "theirs")).stdout

    expected = f"Loaded image ID: {digest(config_of(LAYERS))}\n"
    assert loaded == ("Loaded image: copied:2\n" if form == "docker" else expected)
    assert image_id(wherry, digest(config_of(LAYERS))) == digest(config_of(LAYERS))


@pytest.mark.needs("podman")
def test_podman_loads_what_we_save(wherry: Wherry, tmp_path: Path) -> None:
    wherry("load", stdin=old_archive(LAYERS, "podded:1"))
    save(wherry, tmp_path / "archive", "podded:1")
    # Its paths may have 50 letters.
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="p") as folder:
        podman = ["podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run"]
        podman += ["--storage-driver", "vfs"]
        policy = tmp_path / "policy"
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        load = ["load", "--signature-policy", str(policy), "-i", f"{tmp_path}/archive"]
        subprocess.run([*podman, *load], check=True, capture_output=True)
        words = [*podman, "images", "--no-trunc", "--format", "{{.ID}}"]
        found = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()

    assert found == [digest(config_of(LAYERS))]


def test_layers_come_out_as_they_came_in(wherry: Wherry, tmp_path: Path) -> None:
    wherry("load", stdin=old_archive(LAYERS, "same:1"))
    save(wherry, tmp_path / "archive", "same:1")

    for layer in LAYERS:
        name = f"blobs/sha256/{hashlib.sha256(layer).hexdigest()}"
        words = ["tar", "-xOf", str(tmp_path / "archive"), name]
        assert subprocess.run(words, check=True, capture_output=True).stdout == layer


def test_a_repository_is_saved_with_all_its_tags(wherry: Wherry, tmp_path: Path) -> None:
    wherry("load", stdin=old_archive(LAYERS, "many:1", "many:2"))
    save(wherry, tmp_path / "archive", "many")

    words = ["tar", "-xOf", str(tmp_path / "archive"), "manifest.json"]
    (item,) = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    assert item["RepoTags"] == ["many:1", "many:2"]


def test_a_tag_that_moves_is_told(wherry: Wherry, dockerd: Dockerd) -> None:
    first, second = old_archive(LAYERS, "moving:1"), old_archive(LAYERS[:1], "moving:1")
    told = []
    for run in (wherry, dockerd.docker):
        run("load", stdin=first)
        told.append(run("load", stdin=second).stdout)

    assert told[0] == told[1]
    assert "The image moving:1 already exists, renaming the old one with ID sha256:" in told[0]
    dockerd.docker("rmi", "moving:1")
    dockerd.docker("image", "prune", "-f")


@pytest.mark.parametrize(
    "words",
    [
        ("load", "-i", "/nope"),
        ("import", "/nope"),
        ("import", "-c", "FOO bar", "-", "x:1"),
        ("import", "-", "UPPER"),
        ("save",),
        ("save", "-o", "/nope/file", "busybox"),
        ("save", "-o", "/", "busybox"),
        ("load", "extra"),
    ],
    ids=" ".join,
)
def test_refusals_are_dockers(wherry: Wherry, dockerd: Dockerd, words: tuple[str, ...]) -> None:
    ours = wherry(*words, check=False, stdin=bytes(10240))
    theirs = dockerd.docker(*words, check=False, stdin=bytes(10240))

    text = theirs.stderr.replace("docker", "wherry").removeprefix("wherry: ")
    said = text.removeprefix("Error response from daemon: ").strip().lower()
    assert ours.returncode == theirs.returncode == 1
    assert ours.stderr.removeprefix("wherry: ").strip().lower() == said


def test_importing_beside_docker(wherry: Wherry, dockerd: Dockerd) -> None:
    words = (
        "import",
        "-c",
        'CMD ["sh"]',
        "-c",
        "ENV A=b",
        "-c",
        "USER me",
        "-m",
        "why",
        "-",
        "i:1",
    )
    documents = []
    for run in (wherry, dockerd.docker):
        assert run(*words, stdin=gzip.compress(LAYERS[1])).stdout.startswith("sha256:")
        documents.append(json.loads(run("image", "inspect", "i:1").stdout)[0])
        assert " why" in run("history", "i:1").stdout
    ours, theirs = documents
    for key in ("Comment", "Architecture", "Os", "RootFS", "Size", "RepoTags", "Author", "Parent"):
        assert ours[key] == theirs[key], key
    for key in ("Cmd", "Env", "User", "Entrypoint", "Labels", "Volumes", "WorkingDir"):
        assert ours["Config"][key] == theirs["Config"][key], key
    dockerd.docker("rmi", "i:1")


@pytest.fixture
def website() -> Iterator[str]:
    """A web server with a layer at /layer and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/layer" else 404)
            self.send_header("Content-Length", str(len(LAYERS[0])))
            self.end_headers()
            self.wfile.write(LAYERS[0] if self.path == "/layer" else bytes(len(LAYERS[0])))

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_importing_from_the_web(wherry: Wherry, website: str) -> None:
    wherry("import", f"{website}/layer", "web:1")

    assert f"Imported from {website}/layer" in wherry("history", "web:1").stdout
    result = wherry("import", f"{website}/nope", check=False)
    failure = f"wherry: failed to download {website}/nope: 404 Not Found\n"
    assert (result.returncode, result.stderr) == (1, failure)


def on_a_terminal(wherry: Wherry, *words: str) -> str:
    command = ["script", "-qec", " ".join(wherry.command(*words)), "/dev/null"]
    return subprocess.run(
        command, env=wherry.environment, capture_output=True, text=True, check=False
    ).stdout


def test_a_terminal_gets_no_archive(wherry: Wherry) -> None:
    text = "cowardly refusing to save to a terminal. Use the -o flag or redirect"
    assert on_a_terminal(wherry, "save", "busybox").strip() == f"wherry: {text}"


def test_a_terminal_gets_progress(wherry: Wherry, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(old_archive([tar({"new": b"x" * 3_000_000})], "bar:1"))

    shown = on_a_terminal(wherry, "load", "-i", str(tmp_path / "archive"))

    assert "Loading layer  3.011MB/3.011MB" in shown  # without a bar, which takes 110 columns
    assert shown.endswith("Loaded image: bar:1\n")
