"""The shape of a version's table: which messages exist, who sends them, what they need. No version is named here."""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Era = Literal["stateful", "stateless"]
Direction = Literal["client", "server", "either"]
AskKind = Literal["sampling", "elicitation", "roots"]


class Method(msgspec.Struct, frozen=True, gc=False):
    """One method of one version.

    `direction` is who sends it. `gate` is the path of the capability that must have been declared, its first word the
    side that declares it (`receiver` where either side may). `name_param` is the member of `params` that names the
    thing asked for. `result` lists the members of the result that matter. `kind` is `input` for what travels only as
    a value of `inputRequests`.
    """

    name: str
    direction: Direction
    kind: Literal["request", "notification", "input"]
    gate: tuple[str, ...] = ()
    name_param: str | None = None
    result: tuple[str, ...] = ()
    ask: AskKind | None = None
    rounds: bool = False  # may be answered by `input_required` and then asked again
    tasks: bool = False  # may be answered by a task
    polled: bool = False  # how often it comes depends on time, not on the conversation


class Table(msgspec.Struct, frozen=True):
    """What one version says, by method name."""

    version: str
    era: Era
    methods: Mapping[str, Method]
    batches: bool = False

    def get(self, method: str) -> Method | None:
        return self.methods.get(method)

    def sent_by(self, end: Direction, kind: str) -> frozenset[str]:
        """The names of the methods of a kind that an end may send."""
        return frozenset(
            method.name
            for method in self.methods.values()
            if method.kind == kind and method.direction in (end, "either")
        )


def difference(
    base: Mapping[str, Method], *, add: Iterable[Method] = (), remove: Iterable[str] = ()
) -> dict[str, Method]:
    """A version as the difference to its predecessor. What is added replaces what had the same name."""
    gone = frozenset(remove)
    kept = {name: method for name, method in base.items() if name not in gone}
    return kept | {method.name: method for method in add}


def but(method: Method, **changes: object) -> Method:
    """A method of the predecessor with some of its fields changed."""
    return msgspec.structs.replace(method, **changes)


def request(name: str, direction: Direction, **more: object) -> Method:
    return msgspec.convert({"name": name, "direction": direction, "kind": "request", **more}, Method)


def notification(name: str, direction: Direction, **more: object) -> Method:
    return msgspec.convert({"name": name, "direction": direction, "kind": "notification", **more}, Method)
