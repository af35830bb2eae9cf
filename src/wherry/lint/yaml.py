"""YAML 1.2 as far as a configuration file goes: mappings, sequences, texts, true and false.

PyYAML reads 1.1, where `yes` and `on` are true; here they are texts. What a node is is asked
by who needs it, and told in hadolint's words when it is something else.
"""

from collections.abc import Sequence

from wherry.errors import InvalidArgument
from wherry.values import dataclass

_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")
_NULL = ("", "~", "null", "Null", "NULL")


class InvalidYaml(InvalidArgument):
    pass


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file, asked for by what it should be."""

    value: "str | Sequence[Node] | dict[str, Node]"
    is_quoted: bool = False

    @property
    def kind(self) -> str:
        if isinstance(self.value, dict):
            return "!!map"
        if not isinstance(self.value, str):
            return "!!seq"
        if not self.is_quoted and self.value in _TRUE + _FALSE:
            return "!!bool"
        return "!!null" if not self.is_quoted and self.value in _NULL else "!!str"

    def _expected(self, what: str) -> InvalidYaml:
        return InvalidYaml(f"expected {what} instead of {self.kind}")

    def mapping(self) -> "dict[str, Node]":
        if not isinstance(self.value, dict):
            raise self._expected("!!map")
        return self.value

    def sequence(self) -> "Sequence[Node]":
        if isinstance(self.value, str | dict):
            raise self._expected("!!seq")
        return self.value

    def text(self) -> str:
        if not isinstance(self.value, str) or self.kind != "!!str":
            raise self._expected("!!str")
        return self.value

    def truth(self) -> bool:
        if self.kind != "!!bool":
            raise self._expected("!!bool")
        return self.value in _TRUE


def read_yaml(text: str) -> Node:
    """The one document in `text`; InvalidYaml."""
    import yaml  # 20 ms, and only who has a configuration file needs it

    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidYaml(" ".join(str(error).split())) from error
    if root is None:
        raise InvalidYaml("empty YAML stream")
    return _Reader().read(root, ())


class _Reader:
    """Nodes of PyYAML into ours, each once, however many aliases it has."""

    def __init__(self) -> None:
        self.done: dict[int, Node] = {}

    def read(self, node: "yaml.Node", parents: "tuple[yaml.Node, ...]") -> Node:
        if id(node) not in self.done:
            if any(node is parent for parent in parents):
                raise InvalidYaml("a value contains itself")
            self.done[id(node)] = self._read(node, (*parents, node))
        return self.done[id(node)]

    def _read(self, node: "yaml.Node", inside: "tuple[yaml.Node, ...]") -> Node:
        match node.id:
            case "mapping":
                pairs = [(key.value, self.read(value, inside)) for key, value in node.value]
                return Node({key: value for key, value in pairs if isinstance(key, str)})
            case "sequence":
                return Node([self.read(item, inside) for item in node.value])
        return Node(node.value, is_quoted=node.style is not None)


TYPE_CHECKING = False
if TYPE_CHECKING:
    import yaml
