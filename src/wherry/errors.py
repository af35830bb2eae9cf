"""The kinds of error, each with its HTTP status and exit code.

    WherryError
    ├── InvalidArgument   400  the request can never succeed as it is
    ├── Unauthorized      401  credentials are missing or wrong
    ├── PermissionDenied  403  this caller may not, or the object forbids it
    ├── NotFound          404  the thing named does not exist
    ├── Conflict          409  the thing named is in a state that forbids it
    ├── NotModified       304  it is already so; counts as success
    ├── Internal          500  our fault, or the machine's
    ├── Unsupported       501  asked for something this engine or kernel does not do
    └── Unavailable       503  it may succeed later

A package raises classes of its own below a kind; their constructors take facts and word the
sentence. Sentences that clients compare are Docker's.
"""


class WherryError(Exception):
    """An error with a sentence for the user and, where they can act, a hint."""

    http_status: int = 500
    exit_code: int = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidArgument(WherryError):
    http_status = 400


class Unauthorized(WherryError):
    http_status = 401


class PermissionDenied(WherryError):
    http_status = 403


class NotFound(WherryError):
    http_status = 404


class Conflict(WherryError):
    http_status = 409


class NotModified(WherryError):
    http_status = 304


class Internal(WherryError):
    http_status = 500


class Unsupported(WherryError):
    http_status = 501


class Unavailable(WherryError):
    http_status = 503


KINDS: dict[str, type[WherryError]] = {
    kind.__name__: kind
    for kind in (
        InvalidArgument,
        Unauthorized,
        PermissionDenied,
        NotFound,
        Conflict,
        NotModified,
        Internal,
        Unsupported,
        Unavailable,
    )
}


def kind_of(error: BaseException) -> str:
    """The name in `KINDS` under which `error` crosses a process boundary."""
    for ancestor in type(error).__mro__:
        if ancestor.__name__ in KINDS:
            return ancestor.__name__
    return "Internal"


def os_error_text(error: OSError) -> str:
    """What the kernel refused, as a sentence: the thing by its name, then the reason."""
    reason = (error.strerror or str(error)).lower()
    name = error.filename
    if not name:
        return reason
    return f"{name.decode(errors='replace') if isinstance(name, bytes) else name}: {reason}"


def rebuilt(kind: str, message: str, hint: str = "") -> WherryError:
    """The error that another process described by `kind_of`, its message and its hint."""
    return KINDS.get(kind, Internal)(message, hint=hint)
