"""Why a build failed, as clients of BuildKit's show it: the sentence, and the place.

Facts beside the sentence go along as JSON with the name of their Go type, as BuildKit sends them.
"""

import base64
import json
from collections.abc import Mapping

from wherry.api.buildkit.grpc import Code, Refused
from wherry.api.buildkit.messages.common import Detail
from wherry.errors import WherryError

_SOURCE = "github.com/moby/buildkit/errdefs.Source+json"


def refusal(failure: Mapping[str, object], dockerfile: bytes) -> Refused:
    """The answer to the client. `dockerfile` is shown around the place that is at fault."""
    message = str(failure["message"])
    lines = failure.get("lines")
    if not dockerfile or not isinstance(lines, tuple):
        return Refused(Code.UNKNOWN, message)
    name, first, last = lines
    return Refused(Code.UNKNOWN, message, (source_detail(str(name), dockerfile, first, last),))


def plainly(error: WherryError) -> Refused:
    """The same of an error before the build. Any other code would be a word in front of it."""
    return Refused(Code.UNKNOWN, error.message)


def source_detail(name: str, dockerfile: bytes, first: int, last: int) -> Detail:
    """Lines of a Dockerfile; the client prints them with some around."""
    document = {
        "info": {
            "filename": name,
            "data": base64.b64encode(dockerfile).decode(),
            "language": "Dockerfile",
        },
        "ranges": [{"start": {"line": first}, "end": {"line": last}}],
    }
    return Detail(type_url=_SOURCE, value=json.dumps(document).encode())
