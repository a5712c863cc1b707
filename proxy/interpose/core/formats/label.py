"""What a message is called in a transcript: its method without ceremony, and what it is about."""

from interpose.core.formats.excerpt import said
from interpose.core.formats.words import short_id
from interpose.core.session.asks import Ask
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

_PREFIX = "notifications/"
_SHORTER = {
    "notifications/message": "log",
    "notifications/subscriptions/acknowledged": "listening",
    "notifications/tasks": "task",
    "notifications/tasks/status": "task",
}
_ROOM = 60


def label(seen: Sighting) -> str:
    """The name of a message."""
    method, name = seen.method or "", seen.name
    if seen.kind is Kind.NOTIFICATION:
        method = _SHORTER.get(method) or method.removeprefix(_PREFIX)
    if name is None and seen.asks and seen.asks[0].carrier == "request" and seen.kind is not Kind.NOTIFICATION:
        return of_ask(seen.asks[0])
    if name is None and method in ("task", *_TASK_METHODS):
        name = seen.task
    if name is not None and (method == "task" or method in _TASK_METHODS):
        name = short_id(name)
    return said(method if name is None else f"{method} {name}", _ROOM)


def of_ask(ask: Ask) -> str:
    """The name of an ask."""
    return f"{ask.method} {ask.mode}" if ask.mode else ask.method


_TASK_METHODS = ("tasks/get", "tasks/result", "tasks/cancel", "tasks/update")
