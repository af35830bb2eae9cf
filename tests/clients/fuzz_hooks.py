"""What schemathesis is told about the engine that it fuzzes; see `test_fuzz`.

    SCHEMATHESIS_HOOKS=tests.clients.fuzz_hooks schemathesis run ... engine-api.yaml

Random names hit nothing. So half of the names, images and bodies are replaced by what is there (the
choice follows from the value, so that a seed repeats a run), and what a request has removed is
made again now and then. What would rightly never end is asked to end.
"""

import itertools
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import requests
import schemathesis

BASE = os.environ["WHERRY_FUZZED"]
PATIENCE = 20.0  # seconds; whatever takes longer hangs
IMAGES = ("busybox", "busybox:latest", "alpine:3.10")
CONTAINERS = ("running", "ended", "paused", "terminal")
SHORT_LIVED = {"until": "1", "since": "0"}
Document = dict[str, Any]

_numbers, _made = itertools.count(), itertools.count()
_execs: list[str] = []


def number_of(value: object) -> int:
    return zlib.crc32(repr(value).encode())


def chosen(value: object, choices: Sequence[str]) -> str | None:
    """One of the choices for every second value."""
    number = number_of(value)
    return choices[number // 2 % len(choices)] if number % 2 else None


def make(name: str, *command: str, **config: object) -> None:
    # Ended at once, so that whoever takes long to answer has no reason to.
    settings = {"Labels": {"kept": "yes"}, "StopSignal": "SIGKILL", **config}
    body = {"Image": "busybox", "Cmd": command, **settings}
    answer = ask("POST", f"/containers/create?name={name}", body)
    if answer.status_code == 201:
        ask("POST", f"/containers/{name}/start")


def ask(method: str, path: str, body: Document | None = None) -> requests.Response:
    return requests.request(method, BASE + path, json=body, timeout=PATIENCE)


def furnish() -> None:
    """Make what requests are to find, as far as it is not there."""
    make("running", "sleep", "1000", HostConfig={"Binds": ["kept:/data"]})
    make("ended", "echo", "words")
    make("paused", "sleep", "1000")
    make("terminal", "sh", Tty=True, OpenStdin=True)
    ask("POST", "/containers/paused/pause")
    for name in ("running", "terminal"):
        ask("POST", f"/containers/{name}/unpause")
        ask("POST", f"/containers/{name}/start")
    ask("POST", "/networks/create", {"Name": "kept"})
    answer = ask("POST", "/containers/running/exec", {"Cmd": ["true"], "AttachStdout": True})
    if answer.status_code == 201:
        _execs.append(answer.json()["Id"])
    for name in IMAGES:
        if ask("GET", f"/images/{name}/json").status_code != 200:
            ask("POST", f"/images/create?fromImage={name.partition(':')[0]}&tag=latest")


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case, kwargs: Document
) -> None:
    if next(_numbers) % 40 == 0:
        furnish()
    kwargs["timeout"] = PATIENCE
    path, method = case.operation.path, case.operation.method.upper()
    names = dict(case.path_parameters or {})
    for key, value in names.items():
        names[key] = chosen(value, _choices(path)) or value
    case.path_parameters = names
    if isinstance(case.body, Mapping):
        case.body = _body(path, dict(case.body))
    query = dict(case.query or {})
    for key, value in query.items():
        if key in ("fromImage", "container", "names", "ancestor"):
            choices = CONTAINERS if key == "container" else IMAGES
            query[key] = chosen(value, choices) or value
        elif key == "path":
            query[key] = chosen(value, ("/etc", "/tmp", "/data", "/etc/passwd")) or value
        elif key == "filters":
            query[key] = chosen(value, FILTERS) or value
    if path == "/events":
        query |= SHORT_LIVED
    elif path.endswith("/logs"):
        query["follow"] = "0"
    elif path.endswith(("/stats", "/attach", "/attach/ws")):
        query["stream"] = "0"
    elif path.endswith(("/stop", "/restart")):
        query["t"] = "0"
    elif path.endswith("/wait"):
        case.path_parameters = {"id": "ended"}
        query.pop("condition", None)
    elif (method, path) == ("DELETE", "/images/{name}"):
        query.pop("force", None)
    case.query = query


FILTERS = (
    json.dumps({"label": ["kept=yes"]}),
    json.dumps({"label": {"kept": True}, "name": {"run": True}}),
    json.dumps({"until": ["1h"]}),
    json.dumps({"dangling": ["true"]}),
    json.dumps({"dangling": ["perhaps"]}),
    json.dumps({"ancestor": ["busybox"], "status": ["running"]}),
    json.dumps({"before": ["running"], "since": ["nosuch"]}),
    json.dumps({"health": ["x"], "exited": ["a"]}),
)


def _choices(path: str) -> Sequence[str]:
    if path.startswith("/images"):
        return IMAGES
    if path.startswith("/networks"):
        return ("kept", "bridge", "host", "none")
    if path.startswith("/volumes"):
        return ("kept",)
    if path.startswith("/exec"):
        return _execs[-3:] or ("none",)
    return CONTAINERS


def _body(path: str, body: Document) -> Document:
    """A body that gets further: the image is there, and few of its many fields are filled in."""
    number = number_of(body)
    if path == "/containers/create" and number % 4:
        body |= {"Image": "busybox", "Cmd": ["true"]}
        body.pop("Platform", None)
        host = body.get("HostConfig")
        if isinstance(host, dict):
            body["HostConfig"] = _few(host, number)
        networking = body.pop("NetworkingConfig", None)
        body = {"Image": "busybox", "Cmd": ["true"]} | _few(body, number)
        if number % 7 == 0 and networking is not None:
            body["NetworkingConfig"] = networking
    elif path.endswith("/update") and number % 4:
        body = _few(body, number)
    elif path.endswith(("/connect", "/disconnect")):
        body["Container"] = chosen(body.get("Container"), CONTAINERS) or body.get("Container")
    elif path == "/networks/create":
        body.pop("ConfigFrom" if number % 2 else "IPAM", None)
    return body


def _few(body: Document, number: int) -> Document:
    """At most three of the fields."""
    keys = sorted(body)
    keys = [keys[(number >> 3 * place) % len(keys)] for place in range(3)] if keys else []
    return {key: body[key] for key in keys}


@schemathesis.hook
def after_call(
    context: schemathesis.HookContext, case: schemathesis.Case, response: schemathesis.Response
) -> None:
    """Start what was made, and put things away, so that they do not add up."""
    if response.elapsed > 5:
        note(f"{response.elapsed:.1f} s: {case.as_curl_command()}")
    if (case.operation.path, response.status_code) != ("/containers/create", 201):
        return
    name = response.json()["Id"]
    if next(_made) % 4 == 0:
        started = ask("POST", f"/containers/{name}/start")
        assert started.status_code < 500, started.text
        if started.status_code >= 400:
            note(f"{started.status_code} {started.text.strip()} {json.dumps(case.body)}")
    ask("DELETE", f"/containers/{name}?force=1&v=1")


def note(text: str) -> None:
    """For whoever looks at what took long, and why containers did not start."""
    if path := os.environ.get("WHERRY_FUZZ_NOTES"):
        with open(path, "a") as file:
            file.write(f"{text}\n")


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: Document) -> None:
    """Put right what the description says otherwise than Docker's engine does."""
    _allow_null(raw_schema["definitions"])
    for path in raw_schema["paths"].values():
        for operation in path.values():
            _allow_null(operation.get("responses"))
    # A field that is inside another one, see `Size.Unpacked`.
    summary = raw_schema["definitions"]["ImageManifestSummary"]["properties"]
    summary["ImageData"]["required"].remove("UnpackedSize")
    # What nobody has set, and the code of what has not ended, is null.
    resources = raw_schema["definitions"]["Resources"]["properties"]
    resources["MemorySwappiness"]["x-nullable"] = True
    inspected = raw_schema["paths"]["/exec/{id}/json"]["get"]["responses"]["200"]["schema"]
    inspected["properties"]["ExitCode"]["x-nullable"] = True
    # A stream of documents is no document.
    del raw_schema["paths"]["/events"]["get"]["responses"]["200"]["schema"]


def _allow_null(schema: object) -> None:
    """Go writes lists and objects without anything in them as null."""
    if isinstance(schema, list):
        for each in schema:
            _allow_null(each)
    elif isinstance(schema, dict):
        if schema.get("type") in ("array", "object"):
            schema["x-nullable"] = True
        for each in schema.values():
            _allow_null(each)


@schemathesis.serializer("application/x-tar")
def tar(context: schemathesis.SerializationContext, value: object) -> object:
    """Bytes that are no archive."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.check
def no_fault_of_ours(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """What an engine without clusters and plugins refuses has 501 and 503; nothing has 500."""
    assert response.status_code < 500 or response.status_code in (501, 503), response.text
