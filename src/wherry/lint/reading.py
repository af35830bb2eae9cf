"""Files read, and ShellCheck on its way through them.

It takes as long as everything else, and works meanwhile. Therefore this module imports only what
it takes to start it; rules, settings and formats are loaded while it is at work.
"""

from wherry.dockerfile.instructions import Run
from wherry.dockerfile.source import Source
from wherry.lint.document import Document, read_document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.lint.shellcheck import Checking


def decoded(data: bytes, name: str) -> Source:
    """The text of a file. In another encoding than ours its bytes come back when it is repaired."""
    from wherry.dockerfile.parser import LARGEST, UnreadableDockerfile, decode

    try:
        return decode(data, name)
    except UnreadableDockerfile:
        if len(data) > LARGEST:
            raise
        return Source(data.decode("utf-8", "surrogateescape"), name)


class Reading:
    """`documents` of all sources in order; what asks ShellCheck to go on ends with the block."""

    def __init__(self, sources: "Sequence[Source]", *, shellcheck: bool) -> None:
        self.documents: list[Document] = [read_document(source) for source in sources]
        self.checking: Checking | None = None
        self._wants_shellcheck = shellcheck

    def __enter__(self) -> "Reading":
        if self._wants_shellcheck and any(Run in document.by_kind for document in self.documents):
            from wherry.lint.shellcheck import Checking  # a file without RUN needs none

            self.checking = Checking(self.documents)
        return self

    def __exit__(self, *_error: object) -> None:
        if self.checking is not None:
            self.checking.close()
