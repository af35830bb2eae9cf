"""Executing a parsed template on a value, by the rules of Go's text/template."""

from collections.abc import Iterable, Mapping

from wherry.cli.templates.errors import CallError, ExecutionError
from wherry.cli.templates.functions import TemplateFunction
from wherry.cli.templates.literals import WholeFloat
from wherry.cli.templates.nodes import (
    Action,
    Branch,
    Break,
    Call,
    Chain,
    Command,
    Constant,
    Continue,
    Dot,
    Field,
    Function,
    Nil,
    Node,
    Pipeline,
    Text,
    Tree,
    Variable,
)
from wherry.cli.templates.printf import go_text
from wherry.cli.templates.values import (
    MISSING,
    NIL_MAP,
    Map,
    Methods,
    Struct,
    is_nothing,
    truth,
    type_name,
)
from wherry.cli.templates.values import Nil as NilValue
from wherry.go_text import quoted

_DEEPEST = 500  # templates that call templates
_ABSENT = object()  # no value was piped in


class _BreakLoop(Exception):
    pass


class _ContinueLoop(Exception):
    pass


def execute(
    tree: Tree,
    functions: Mapping[str, TemplateFunction],
    data: object,
    *,
    missing_is_error: bool = False,
) -> str:
    """The text that `tree` makes of `data`; raises ExecutionError.

    `missing_is_error` is Go's option missingkey=error: what is not there has no fields.
    """
    executor = _Executor(tree, functions, data, missing_is_error)
    try:
        executor.walk_all(tree.body, data)
    except ExecutionError as error:
        error.written = "".join(executor.parts)
        raise
    return "".join(executor.parts)


class _Executor:
    def __init__(
        self,
        tree: Tree,
        functions: Mapping[str, TemplateFunction],
        data: object,
        missing_is_error: bool,
    ) -> None:
        self.missing_is_error = missing_is_error
        self.tree = tree
        self.functions = functions
        self.name = tree.name  # of the template that is being executed
        self.variables: list[tuple[str, object]] = [("$", data)]
        self.parts: list[str] = []
        self.node: Node = Text(0, "")  # what an error is about
        self.depth = 0

    def error(self, reason: str) -> ExecutionError:
        before = self.tree.text[: self.node.position]
        line = before.count("\n") + 1
        column = len(before.rpartition("\n")[2].encode())
        place = f"{self.tree.name}:{line}:{column}"
        return ExecutionError(self.name, place, str(self.node), reason)

    # Nodes

    def walk_all(self, nodes: Iterable[Node], dot: object) -> None:
        for node in nodes:
            self.walk(node, dot)

    def walk(self, node: Node, dot: object) -> None:
        match node:
            case Text():
                self.parts.append(node.text)
            case Action():
                value = self.pipeline(node.pipeline, dot)
                if not node.pipeline.variables:
                    self.parts.append(printed(value))
            case Branch(kind="range"):
                self.loop(node, dot)
            case Branch():
                self.choice(node, dot)
            case Call():
                self.call_template(node, dot)
            case Break():
                raise _BreakLoop
            case Continue():
                raise _ContinueLoop

    def choice(self, node: Branch, dot: object) -> None:
        outer = len(self.variables)
        value = self.pipeline(node.pipeline, dot)
        if truth(value):
            self.walk_all(node.body, value if node.kind == "with" else dot)
        else:
            self.walk_all(node.otherwise, dot)
        del self.variables[outer:]

    def loop(self, node: Branch, dot: object) -> None:
        outer = len(self.variables)
        value = self.pipeline(node.pipeline, dot)
        inner = len(self.variables)
        ran = False
        try:
            for key, item in self.items_of(value):
                ran = True
                del self.variables[inner:]
                self.set_loop_variables(node.pipeline, key, item, inner)
                try:
                    self.walk_all(node.body, item)
                except _ContinueLoop:
                    continue
        except _BreakLoop:
            pass
        del self.variables[outer:]
        if not ran:
            self.walk_all(node.otherwise, dot)

    def set_loop_variables(self, pipeline: Pipeline, key: object, item: object, inner: int) -> None:
        names = pipeline.variables
        values = (item,) if len(names) == 1 else (key, item)
        for place, (name, value) in enumerate(zip(names, values, strict=False)):
            if pipeline.assigns:
                self.assign(name, value)
            else:
                self.variables[inner - len(names) + place] = (name, value)

    def items_of(self, value: object) -> Iterable[tuple[object, object]]:
        if isinstance(value, Struct):
            raise self.error(f"range can't iterate over {go_text(value)}")
        if isinstance(value, dict):
            return [(key, value[key]) for key in sorted(value)]
        if isinstance(value, list | tuple):
            return list(enumerate(value))
        if isinstance(value, int) and not isinstance(value, bool):
            return [(number, number) for number in range(value)]
        if is_nothing(value):
            return []
        raise self.error(f"range can't iterate over {go_text(value)}")

    def call_template(self, node: Call, dot: object) -> None:
        self.node = node
        body = self.tree.defined.get(node.name)
        if body is None:
            raise self.error(f"template {quoted(node.name)} not defined")
        if self.depth >= _DEEPEST:
            raise self.error(f"exceeded maximum template depth ({_DEEPEST})")
        value = self.pipeline(node.pipeline, dot) if node.pipeline else MISSING
        outer = self.name, self.variables
        self.name, self.variables = node.name, [("$", value)]
        self.depth += 1
        self.walk_all(body, value)
        self.depth -= 1
        self.name, self.variables = outer

    # Pipelines

    def pipeline(self, pipeline: Pipeline, dot: object) -> object:
        self.node = pipeline
        value: object = _ABSENT
        for command in pipeline.commands:
            value = self.command(command, dot, value)
        for name in pipeline.variables:
            if pipeline.assigns:
                self.assign(name, value)
            else:
                self.variables.append((name, value))
        return value

    def assign(self, name: str, value: object) -> None:
        for place in range(len(self.variables) - 1, -1, -1):
            if self.variables[place][0] == name:
                self.variables[place] = (name, value)
                return
        raise self.error(f"undefined variable: {name}")

    def variable(self, name: str) -> object:
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise self.error(f"undefined variable: {name}")

    def command(self, command: Command, dot: object, piped: object) -> object:
        first = command.words[0]
        arguments = command.words[1:]
        match first:
            case Function():
                return self.function(first, command, arguments, dot, piped)
            case Field():
                self.node = first
                return self.fields(dot, first.names, first, arguments, dot, piped)
            case Variable() if first.fields:
                self.node = first
                value = self.variable(first.name)
                return self.fields(value, first.fields, first, arguments, dot, piped)
            case Chain():
                base = self.argument(first.base, dot, "any")
                return self.fields(base, first.names, first, arguments, dot, piped)
        self.node = first
        if arguments or piped is not _ABSENT:
            raise self.error(f"can't give argument to non-function {first}")
        if isinstance(first, Nil):
            raise self.error("nil is not a command")
        return self.argument(first, dot, "any")

    # Fields

    def fields(
        self,
        value: object,
        names: list[str],
        node: Node,
        arguments: list[Node],
        dot: object,
        piped: object,
    ) -> object:
        """Follow `names`; arguments belong to the last of them."""
        held = ""  # the type of what holds the value, where it tells less than the value's own
        for name in names[:-1]:
            held = "interface {}" if isinstance(value, dict) else ""
            value = self.field(value, name, held)
        last = names[-1]
        if isinstance(value, Methods):
            return self.method(value, last, node, arguments, dot, piped)
        found = self.field(value, last, held)
        if arguments or piped is not _ABSENT:
            what = "is not a method but has arguments"
            if isinstance(value, Struct):
                what = "has arguments but cannot be invoked as function"
            raise self.error(f"{last} {what}")
        return found

    def field(self, value: object, name: str, held: str) -> object:
        if isinstance(value, Map):
            return value.get(name, MISSING)
        if isinstance(value, Struct) and name in value.embedded:
            return value.part(name)
        if isinstance(value, dict):
            if name not in value and isinstance(value, Struct) and value.type_name:
                raise self.error(f"can't evaluate field {name} in type {value.type_name}")
            if name not in value:
                raise self.error(f"map has no entry for key {quoted(name)}")
            return value[name]
        if isinstance(value, Methods):
            return self.method(value, name, self.node, [], value, _ABSENT)
        if value is MISSING and self.missing_is_error:
            raise self.error(f"nil data; no entry for key {quoted(name)}")
        if value is MISSING or value is NIL_MAP:
            return MISSING
        if value is None or isinstance(value, NilValue):
            raise self.error(f"nil pointer evaluating interface {{}}.{name}")
        raise self.error(f"can't evaluate field {name} in type {held or type_name(value)}")

    def method(
        self,
        value: Methods,
        name: str,
        node: Node,
        arguments: list[Node],
        dot: object,
        piped: object,
    ) -> object:
        try:
            found = value.field(name)
        except KeyError:
            reason = f"can't evaluate field {name} in type {value.type_name}"
            raise self.error(reason) from None
        if callable(found):
            function = TemplateFunction(found, ("string",))
        elif arguments or piped is not _ABSENT:
            function = TemplateFunction(lambda: found, ())
        else:
            return found
        return self.invoke(name, function, node, arguments, dot, piped)

    # Calls

    def function(
        self,
        node: Function,
        command: Node,
        arguments: list[Node],
        dot: object,
        piped: object,
    ) -> object:
        self.node = node
        function = self.functions[node.name]
        return self.invoke(node.name, function, command, arguments, dot, piped)

    def invoke(
        self,
        name: str,
        function: TemplateFunction,
        node: Node,
        arguments: list[Node],
        dot: object,
        piped: object,
    ) -> object:
        self.check_count(name, function, len(arguments) + (piped is not _ABSENT))
        if name in {"and", "or"}:
            return self.short_circuit(arguments, dot, piped, stop_at=name == "or")
        kinds = function.parameters
        values = [
            self.argument(word, dot, kinds[min(place, len(kinds) - 1)])
            for place, word in enumerate(arguments)
        ]
        if piped is not _ABSENT:
            kind = kinds[min(len(arguments), len(kinds) - 1)]
            values.append(self.checked(piped, kind))
        try:
            return function.call(*values)
        except CallError as error:
            self.node = node
            raise self.error(f"error calling {name}: {error}") from None

    def check_count(self, name: str, function: TemplateFunction, count: int) -> None:
        wanted = len(function.parameters)
        if function.variadic:
            if count < wanted - 1 or (name in {"and", "or"} and not count):
                least = max(wanted - 1, int(name in {"and", "or"}))
                reason = f"wrong number of args for {name}: want at least {least} got {count}"
                raise self.error(reason)
        elif count != wanted:
            raise self.error(f"wrong number of args for {name}: want {wanted} got {count}")

    def short_circuit(
        self, arguments: list[Node], dot: object, piped: object, *, stop_at: bool
    ) -> object:
        value: object = piped
        for word in arguments:
            value = self.argument(word, dot, "any")
            if truth(value) is stop_at:
                return value
        return piped if piped is not _ABSENT else value

    def argument(self, node: Node, dot: object, kind: str) -> object:
        """The value of an argument, which must be of `kind`."""
        self.node = node
        match node:
            case Constant():
                return self.constant(node, kind)
            case Dot():
                return self.checked(dot, kind)
            case Nil():
                if kind in {"string", "int"}:
                    raise self.error(f"cannot assign nil to {kind}")
                return None
            case Field():
                value = self.fields(dot, node.names, node, [], dot, _ABSENT)
            case Variable():
                value = self.variable(node.name)
                if node.fields:
                    value = self.fields(value, node.fields, node, [], dot, _ABSENT)
            case Function():
                value = self.function(node, node, [], dot, _ABSENT)
            case Pipeline():
                value = self.pipeline(node, dot)
            case Chain():
                base = self.argument(node.base, dot, "any")
                value = self.fields(base, node.names, node, [], dot, _ABSENT)
            case _:
                raise self.error(f"can't handle {node} for arg of type {kind}")
        return self.checked(value, kind)

    def constant(self, node: Constant, kind: str) -> object:
        value = node.value
        if kind == "string" and not isinstance(value, str):
            raise self.error(f"expected string; found {node}")
        if kind == "int":
            if isinstance(value, WholeFloat):
                return int(value)
            if not isinstance(value, int) or isinstance(value, bool):
                raise self.error(f"expected integer; found {node}")
        if kind == "[]string":
            raise self.error(f"can't handle {node} for arg of type []string")
        return value

    def checked(self, value: object, kind: str) -> object:
        """`value`, when a parameter of `kind` can take it."""
        if kind == "any":
            return value
        if is_nothing(value):
            if kind == "[]string":
                return []
            raise self.error(f"invalid value; expected {kind}")
        fits = {
            "string": isinstance(value, str),
            "int": isinstance(value, int) and not isinstance(value, bool),
            "[]string": isinstance(value, list | tuple)
            and all(isinstance(item, str) for item in value),
        }[kind]
        if not fits:
            got = type_name(value)
            raise self.error(f"wrong type for value; expected {kind}; got {got}")
        return value


def printed(value: object) -> str:
    """`value` as an action prints it."""
    return "<no value>" if value is None or value is MISSING else go_text(value)
