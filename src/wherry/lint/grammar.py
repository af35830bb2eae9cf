"""tree-sitter with bash's grammar: a text in, its syntax tree out.

Loaded here are the two modules in C alone. The packages around them load `typing` and
`importlib.resources` for what is not used here: 15 ms, and a run of the linter takes 25.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from tree_sitter import Node, Parser


_PARSER: "Parser | None" = None


def parse(data: bytes) -> "Node":
    """The root of the tree; it has errors where `data` is no script."""
    return _parser().parse(data).root_node


def _parser() -> "Parser":
    global _PARSER
    if _PARSER is None:
        binding = _binding_of("tree_sitter")
        language = binding.Language(_binding_of("tree_sitter_bash").language())
        _PARSER = binding.Parser(language)
    return _PARSER


def _binding_of(package: str) -> "ModuleType":
    """The module in C of `package`, which itself is not executed."""
    name = f"{package}._binding"
    found = _find(package, None)
    spec = _find(name, found.submodule_search_locations) if found else None
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    module: ModuleType | None = spec.loader.create_module(spec)
    assert module is not None, name
    spec.loader.exec_module(module)
    return module


def _find(name: str, path: "Sequence[str] | None") -> "ModuleSpec | None":
    for finder in sys.meta_path:
        spec = finder.find_spec(name, path)
        if spec is not None:
            return spec
    return None
