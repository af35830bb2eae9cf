"""What can be wrong with a template, in the words of Go's text/template."""

from wherry.errors import InvalidArgument


class TemplateError(InvalidArgument):
    """A template that cannot be parsed or executed."""


class ParseError(TemplateError):
    def __init__(self, name: str, line: int, reason: str) -> None:
        super().__init__(f"template: {name}:{line}: {reason}")


class ExecutionError(TemplateError):
    def __init__(self, name: str, place: str, source: str, reason: str) -> None:
        super().__init__(f'template: {place}: executing "{name}" at <{source}>: {reason}')
        self.written = ""  # what the template had made before


class CallError(Exception):
    """A function refused its arguments."""
