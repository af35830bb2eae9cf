"""A template ready to be executed, the face of this package."""

from collections.abc import Mapping

from wherry.cli.templates.execute import execute
from wherry.cli.templates.functions import FUNCTIONS, TemplateFunction
from wherry.cli.templates.parser import parse


class Template:
    """A Go template: parsed once, executed on any number of values."""

    def __init__(self, text: str, name: str = "") -> None:
        """Parse `text`; raises ParseError. Errors of execution call the template `name`."""
        self._tree = parse(name, text, FUNCTIONS)

    def execute(
        self,
        data: object,
        functions: Mapping[str, TemplateFunction] = FUNCTIONS,
        *,
        missing_is_error: bool = False,
    ) -> str:
        """The text for `data`; raises ExecutionError."""
        return execute(self._tree, functions, data, missing_is_error=missing_is_error)
