"""Parsing a template, by recursive descent, with the error texts of Go's text/template."""

from collections.abc import Container

from wherry.cli.templates.errors import ParseError
from wherry.cli.templates.lexer import Kind, Token, tokens
from wherry.cli.templates.literals import LiteralError, number_of, unquoted
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
from wherry.go_text import quoted

_OPERANDS = frozenset(
    (
        Kind.BOOLEAN,
        Kind.CHARACTER,
        Kind.DOT,
        Kind.FIELD,
        Kind.IDENTIFIER,
        Kind.NUMBER,
        Kind.NIL,
        Kind.RAW_STRING,
        Kind.STRING,
        Kind.VARIABLE,
        Kind.LEFT_PAREN,
    )
)
_VALUES = (Constant, Dot, Nil)  # what cannot take the value of a pipeline


class _Stop(Node):
    """`end` or `else`, which end a list of nodes."""

    __slots__ = ("word",)

    def __init__(self, position: int, word: str) -> None:
        super().__init__(position)
        self.word = word

    def __str__(self) -> str:
        return f"{{{{{self.word}}}}}"


def parse(name: str, template: str, functions: Container[str]) -> Tree:
    """Parse `template`, which may call `functions`; raises ParseError."""
    parser = _Parser(name, template, functions)
    body = parser.parse_all()
    return Tree(name, template, body, parser.defined)


class _Parser:
    def __init__(self, name: str, template: str, functions: Container[str]) -> None:
        self.name = name
        self.tokens = tokens(template)
        self.functions = functions
        self.at = 0
        self.line = 1  # of the token read last
        self.action_line = 0
        self.ranges = 0  # how many the parser is inside of
        self.variables = ["$"]
        self.defined: dict[str, list[Node]] = {}

    # Tokens

    def peek(self) -> Token:
        return self.tokens[min(self.at, len(self.tokens) - 1)]

    def next(self) -> Token:
        token = self.peek()
        self.at += 1
        self.line = token.line
        return token

    def skip_spaces(self) -> Token:
        """The next token that is no space, not taken yet."""
        while self.peek().kind is Kind.SPACE:
            self.at += 1
        self.line = self.peek().line
        return self.peek()

    def next_word(self) -> Token:
        self.skip_spaces()
        return self.next()

    def expect(self, kind: Kind, place: str) -> Token:
        token = self.next_word()
        if token.kind is not kind:
            raise self.unexpected(token, place)
        return token

    def is_keyword(self, token: Token, *words: str) -> bool:
        return token.kind is Kind.KEYWORD and token.text in words

    # Errors

    def error(self, reason: str) -> ParseError:
        return ParseError(self.name, self.line, reason)

    def unexpected(self, token: Token, place: str) -> ParseError:
        if token.kind is not Kind.ERROR:
            return self.error(f"unexpected {_shown(token)} in {place}")
        extra = ""
        if self.action_line not in {0, token.line}:
            extra = f" in action started at {self.name}:{self.action_line}"
            if token.text.endswith(" action"):
                extra = extra.removeprefix(" in action")
        return self.error(token.text + extra)

    # Lists of nodes

    def parse_all(self) -> list[Node]:
        body: list[Node] = []
        while self.peek().kind is not Kind.END_OF_TEMPLATE:
            if self.peek().kind is Kind.LEFT:
                begin = self.at
                self.next()
                if self.is_keyword(self.next_word(), "define"):
                    self.parse_definition()
                    continue
                self.at = begin
            node = self.text_or_action()
            if isinstance(node, _Stop):
                raise self.error(f"unexpected {node}")
            body.append(node)
        return body

    def node_list(self) -> tuple[list[Node], _Stop]:
        body: list[Node] = []
        while self.skip_spaces().kind is not Kind.END_OF_TEMPLATE:
            node = self.text_or_action()
            if isinstance(node, _Stop):
                return body, node
            body.append(node)
        raise self.error("unexpected EOF")

    def text_or_action(self) -> Node:
        token = self.next_word()
        if token.kind is Kind.TEXT:
            return Text(token.position, token.text)
        if token.kind is not Kind.LEFT:
            raise self.unexpected(token, "input")
        self.action_line = token.line
        node = self.action()
        self.action_line = 0
        return node

    def parse_definition(self) -> None:
        place = "define clause"
        name = self.template_name(self.next_word(), place)
        self.expect(Kind.RIGHT, place)
        outer, self.variables = self.variables, ["$"]
        self.define(name, place)
        self.variables = outer

    def define(self, name: str, place: str) -> None:
        body, stop = self.node_list()
        if stop.word != "end":
            raise self.error(f"unexpected {stop} in {place}")
        known = self.defined.get(name)
        if known is not None and not _is_empty(known) and not _is_empty(body):
            raise self.error(f"template: multiple definition of template {quoted(name)}")
        if known is None or not _is_empty(body):
            self.defined[name] = body

    # Actions

    def action(self) -> Node:
        token = self.next_word()
        if token.kind is not Kind.KEYWORD:
            self.at -= 1
            return Action(token.position, self.pipeline("command", Kind.RIGHT))
        match token.text:
            case "if" | "with" | "range":
                return self.branch(token.text, token.position)
            case "end":
                return _Stop(self.expect(Kind.RIGHT, "end").position, "end")
            case "else":
                return self.otherwise()
            case "break" | "continue":
                return self.loop_control(token)
            case "template":
                return self.call()
            case "block":
                return self.block()
        self.at -= 1
        return Action(token.position, self.pipeline("command", Kind.RIGHT))

    def otherwise(self) -> Node:
        following = self.skip_spaces()
        if self.is_keyword(following, "if", "with"):
            return _Stop(following.position, "else")
        return _Stop(self.expect(Kind.RIGHT, "else").position, "else")

    def loop_control(self, token: Token) -> Node:
        text = f"{{{{{token.text}}}}}"
        end = self.next_word()
        if end.kind is not Kind.RIGHT:
            raise self.unexpected(end, text)
        if not self.ranges:
            raise self.error(f"{text} outside {{{{range}}}}")
        return Break(token.position) if token.text == "break" else Continue(token.position)

    def branch(self, kind: str, position: int) -> Branch:
        outer = len(self.variables)
        pipeline = self.pipeline(kind, Kind.RIGHT)
        self.ranges += kind == "range"
        body, stop = self.node_list()
        self.ranges -= kind == "range"
        otherwise: list[Node] = []
        if stop.word == "else":
            following = self.peek()
            if kind != "range" and self.is_keyword(following, kind):
                self.next()
                otherwise = [self.branch(kind, following.position)]
            else:
                otherwise, stop = self.node_list()
                if stop.word != "end":
                    raise self.error(f"expected end; found {stop}")
        del self.variables[outer:]
        return Branch(position, kind, pipeline, body, otherwise)

    def call(self) -> Call:
        place = "template clause"
        name_token = self.next_word()
        name = self.template_name(name_token, place)
        pipeline = None
        if self.next_word().kind is not Kind.RIGHT:
            self.at -= 1
            pipeline = self.pipeline(place, Kind.RIGHT)
        return Call(name_token.position, name, quoted(name), pipeline)

    def block(self) -> Call:
        place = "block clause"
        name_token = self.next_word()
        name = self.template_name(name_token, place)
        pipeline = self.pipeline(place, Kind.RIGHT)
        outer, self.variables = self.variables, ["$"]
        ranges, self.ranges = self.ranges, 0
        self.define(name, place)
        self.variables, self.ranges = outer, ranges
        return Call(name_token.position, name, quoted(name), pipeline)

    def template_name(self, token: Token, place: str) -> str:
        if token.kind not in {Kind.STRING, Kind.RAW_STRING}:
            raise self.unexpected(token, place)
        return self.string_of(token)

    # Pipelines

    def pipeline(self, place: str, end: Kind) -> Pipeline:
        pipeline = Pipeline(self.skip_spaces().position)
        self.declarations(pipeline, place)
        while True:
            token = self.next_word()
            if token.kind is end:
                self.check(pipeline, place)
                return pipeline
            if token.kind not in _OPERANDS:
                raise self.unexpected(token, place)
            self.at -= 1
            pipeline.commands.append(self.command())

    def declarations(self, pipeline: Pipeline, place: str) -> None:
        """Read `$x :=`, `$x =` or, for a range, `$i, $x :=`."""
        while self.skip_spaces().kind is Kind.VARIABLE:
            begin = self.at
            variable = self.next()
            following = self.skip_spaces()
            declares = following.kind in {Kind.ASSIGN, Kind.DECLARE}
            if not declares and (following.kind, following.text) != (Kind.OTHER, ","):
                self.at = begin
                return
            self.next()
            pipeline.variables.append(variable.text)
            self.variables.append(variable.text)
            if declares:
                pipeline.assigns = following.kind is Kind.ASSIGN
                return
            if place != "range" or len(pipeline.variables) > 1:
                raise self.error(f"too many declarations in {place}")
            if self.skip_spaces().kind not in {Kind.VARIABLE, Kind.RIGHT, Kind.RIGHT_PAREN}:
                raise self.error("range can only initialize variables")

    def check(self, pipeline: Pipeline, place: str) -> None:
        if not pipeline.commands:
            raise self.error(f"missing value for {place}")
        for stage, command in enumerate(pipeline.commands[1:], 2):
            if isinstance(command.words[0], _VALUES):
                raise self.error(f"non executable command in pipeline stage {stage}")

    def command(self) -> Command:
        command = Command(self.skip_spaces().position)
        while True:
            self.skip_spaces()
            operand = self.operand()
            if operand is not None:
                command.words.append(operand)
            token = self.next()
            if token.kind is Kind.SPACE:
                continue
            if token.kind in {Kind.RIGHT, Kind.RIGHT_PAREN}:
                self.at -= 1
            elif token.kind is not Kind.PIPE:
                raise self.unexpected(token, "operand")
            break
        if not command.words:
            raise self.error("empty command")
        return command

    def operand(self) -> Node | None:
        node = self.term()
        if node is None or self.peek().kind is not Kind.FIELD:
            return node
        position = self.peek().position
        names = []
        while self.peek().kind is Kind.FIELD:
            names.append(self.next().text[1:])
        if isinstance(node, Field):
            return Field(position, node.names + names)
        if isinstance(node, Variable):
            return Variable(position, node.name, names)
        if isinstance(node, _VALUES):
            raise self.error(f"unexpected . after term {quoted(str(node))}")
        return Chain(position, node, names)

    def term(self) -> Node | None:
        token = self.next_word()
        match token.kind:
            case Kind.IDENTIFIER:
                if token.text not in self.functions:
                    raise self.error(f"function {quoted(token.text)} not defined")
                return Function(token.position, token.text)
            case Kind.DOT:
                return Dot(token.position)
            case Kind.NIL:
                return Nil(token.position)
            case Kind.FIELD:
                return Field(token.position, [token.text[1:]])
            case Kind.VARIABLE:
                if token.text not in self.variables:
                    raise self.error(f"undefined variable {quoted(token.text)}")
                return Variable(token.position, token.text, [])
            case Kind.LEFT_PAREN:
                return self.pipeline("parenthesized pipeline", Kind.RIGHT_PAREN)
            case Kind.BOOLEAN:
                return Constant(token.position, token.text == "true", token.text)
            case Kind.NUMBER | Kind.CHARACTER:
                return Constant(token.position, self.number_of(token), token.text)
            case Kind.STRING | Kind.RAW_STRING:
                return Constant(token.position, self.string_of(token), token.text)
        self.at -= 1
        return None

    def number_of(self, token: Token) -> int | float:
        try:
            return number_of(token.text)
        except LiteralError as error:
            raise self.error(str(error)) from None

    def string_of(self, token: Token) -> str:
        try:
            return unquoted(token.text)
        except LiteralError as error:
            raise self.error(str(error)) from None


def _shown(token: Token) -> str:
    if token.kind is Kind.END_OF_TEMPLATE:
        return "EOF"
    if token.kind is Kind.KEYWORD:
        return f"<{token.text}>"
    if token.kind is Kind.NIL:
        return "<nil>"
    if token.kind is Kind.DOT:
        return "<.>"
    if len(token.text) > 10:
        return quoted(token.text[:10]) + "..."
    return quoted(token.text)


def _is_empty(body: list[Node]) -> bool:
    return all(isinstance(node, Text) and not node.text.strip() for node in body)
