"""wherry events"""

import time

from wherry.cli.context import Context
from wherry.cli.flags import Filters, FlagSet, String, Syntax
from wherry.cli.templates.errors import TemplateError
from wherry.cli.templates.template import Template
from wherry.cli.templates.values import Map, Methods, Struct
from wherry.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.store.events import Event

SYNTAX = Syntax("[OPTIONS]")


class Flags(FlagSet):
    filter = Filters("f", "Filter output based on conditions provided")
    format = String("", "Format output using a custom template, or 'json'")
    since = String("", "Show all events created since timestamp")
    until = String("", "Stream events until this timestamp")


def run(flags: Flags, context: Context) -> None:
    # --help does without the engine
    from wherry.engine.documents.event import check_event_filters, passes_event_filters
    from wherry.engine.events import follow_events
    from wherry.engine.filters import parse_moment

    check_event_filters(flags.filter)
    show = _printer(flags.format)
    for event in follow_events(
        context.engine,
        since_ns=parse_moment(flags.since) if flags.since else None,
        until_ns=parse_moment(flags.until) if flags.until else None,
        keep=lambda event: passes_event_filters(event, flags.filter),
    ):
        context.out(show(event))
        context.flush()


class _Message(Methods):
    """An event's fields by their names in templates, which are not those of its JSON."""

    type_name = "*events.Message"
    html_safe = False

    def __init__(self, event: "Event") -> None:
        self._event = event

    def field(self, name: str) -> object:
        from wherry.engine.documents.event import old_fields

        event, old = self._event, old_fields(self._event)
        return {
            "Status": old.get("status", ""),
            "ID": old.get("id", ""),
            "From": old.get("from", ""),
            "Type": event.type,
            "Action": event.action,
            "Actor": Struct({"ID": event.actor_id, "Attributes": Map(dict(event.attributes))}),
            "Scope": "local",
            "Time": event.time_ns // 10**9,
            "TimeNano": event.time_ns,
        }[name]

    def as_json(self) -> object:
        from wherry.engine.documents.event import event_document

        return Struct(event_document(self._event))


class BadFormat(InvalidArgument):
    exit_code = 64

    def __init__(self, error: TemplateError) -> None:
        super().__init__(f"Error parsing format: {error}")


def _printer(template: str) -> "Callable[[Event], str]":
    if not template:
        return _line
    from wherry.store.events import Event  # the engine's, which is loaded by now

    trial = Event(time_ns=0, type="container", action="", actor_id="")
    text = "{{json .}}" if template == "json" else template
    try:
        parsed = Template(text)
        # Tried now: a name that no event has is no reason to wait for one.
        parsed.execute(_Message(trial))
    except TemplateError as error:
        raise BadFormat(error) from error
    return lambda event: parsed.execute(_Message(event))


def _line(event: "Event") -> str:
    seconds, nanoseconds = divmod(event.time_ns, 10**9)
    stamp = time.localtime(seconds)
    zone = time.strftime("%z", stamp)
    moment = f"{time.strftime('%Y-%m-%dT%H:%M:%S', stamp)}.{nanoseconds:09d}"
    offset = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
    pairs = ", ".join(f"{key}={value}" for key, value in sorted(event.attributes.items()))
    end = f" ({pairs})" if pairs else ""
    return f"{moment}{offset} {event.type} {event.action} {event.actor_id}{end}"
