"""Which live value stands for which recorded one: what the peers mint anew each time, and where it comes back.

Two ways. Ids, tokens, cursors and states of the protocol are known by their place, however short they are. Any other
value of some length that came out different is replaced wherever it recurs, alone or as a word in a text.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from interpose.core.policy.jsonpath import Location
from interpose.core.replay.difference import equal, kind_of, member
from interpose.core.replay.minted import (
    INPUTS,
    MOST,
    ROOT,
    WORD,
    WORDS,
    Kind,
    Map,
    Step,
    is_minted,
    key_of,
    words_apart,
)
from interpose.core.replay.options import DEFAULT, Options
from interpose.core.replay.scope import Scope
from interpose.core.session.ring import Ring


class Binding(msgspec.Struct, frozen=True):
    """A recorded value and what it is live; `where` it was first seen, `used` how often it was put in since."""

    kind: Kind
    recorded: Any
    live: Any
    where: str
    used: int = 0


class Bindings:
    """What is bound so far. Bodies are whole JSON-RPC messages as Python values, and are never changed."""

    def __init__(self, options: Options = DEFAULT) -> None:
        self._wanted = [Scope(text) for text in options.bind]
        self._unwanted = [Scope(text) for text in options.no_bind]
        self._to_live: dict[Kind, Map] = {}
        self._to_recorded: dict[Kind, Map] = {}
        self._told: Ring[tuple[Kind, str], Binding] = Ring(MOST)

    def learn(self, recorded: Any, live: Any, *, method: str | None, where: str, name: str | None = None) -> None:
        """Compare a message with its counterpart and bind what came out different.

        `method` and `name` are those of the request, for responses; `where` names the message, for the report.
        """
        if not isinstance(recorded, dict) or not isinstance(live, dict):
            return
        method = recorded.get("method") or method
        if method == "subscriptions/listen" and "method" in recorded and "id" in live:
            self._bind("subscription", recorded.get("id"), live["id"], where)
        for section, inputs in INPUTS:
            one, other = _member(recorded, section, inputs), _member(live, section, inputs)
            if isinstance(one, dict) and isinstance(other, dict):
                for key, counterpart in _counterparts(one, other):
                    self._bind("input", key, counterpart, where)
        never, always = (_locations(paths, recorded, method, name) for paths in (self._unwanted, self._wanted))
        self._compare(recorded, live, _Place((), ROOT, where, never, always))

    def to_live(self, body: Any) -> Any:
        """A recorded message with the live values put in."""
        return _Rewriting(self._to_live, self._unwanted, self._count).body(body)

    def to_recorded(self, body: Any) -> Any:
        """A live message as the recording would have spelled it."""
        return _Rewriting(self._to_recorded, self._unwanted, None).body(body)

    def told(self) -> list[Binding]:
        """For the report: what the protocol mints, and of the rest what came back; in the order they were seen."""
        return [binding for binding in self._told.values() if binding.kind != "value" or binding.used]

    def _compare(self, recorded: Any, live: Any, place: "_Place") -> None:
        if place.location in place.never or kind_of(recorded) != kind_of(live):
            if place.step.kind is not None and _is_id(recorded) and _is_id(live):
                self._bind(place.step.kind, recorded, live, place.named())
            return
        if isinstance(recorded, dict):
            for name, value in recorded.items():
                if name in live and (name not in WORDS or place.always) and place.into(name).location != ("id",):
                    self._compare(value, live[name], place.into(name))
            self._compare_inputs(recorded, live, place)
        elif isinstance(recorded, list):
            for index, (one, other) in enumerate(zip(recorded, live, strict=False)):
                self._compare(one, other, place.into(index))
        elif recorded != live and not isinstance(recorded, bool):
            self._of_leaf(recorded, live, place)

    def _compare_inputs(self, recorded: dict[str, Any], live: dict[str, Any], place: "_Place") -> None:
        """What stands below keys that are not the same live."""
        for section, name in INPUTS:
            if (
                place.location == (section,)
                and isinstance(recorded.get(name), dict)
                and isinstance(live.get(name), dict)
            ):
                one, other = recorded[name], live[name]
                for key, counterpart in _counterparts(one, other):
                    if key not in other:
                        self._compare(one[key], other[counterpart], place.into(name).into(key))

    def _of_leaf(self, recorded: Any, live: Any, place: "_Place") -> None:
        if place.location in place.always:
            self._bind("value", recorded, live, place.named())
            return
        if place.step.kind is not None:
            self._bind(place.step.kind, recorded, live, place.named())
        words = words_apart(recorded, live) if isinstance(recorded, str) else {}
        for word, counterpart in words.items():
            self._bind("value", word, counterpart, place.named())
        if is_minted(recorded) and not (words and WORD.sub(lambda word: words.get(word[0], word[0]), recorded) == live):
            self._bind("value", recorded, live, place.named())

    def _bind(self, kind: Kind, recorded: Any, live: Any, where: str) -> None:
        if recorded is None or live is None or recorded == live:
            return
        self._to_live.setdefault(kind, Map()).put(recorded, live)
        self._to_recorded.setdefault(kind, Map()).put(live, recorded)
        key = (kind, key_of(recorded))
        known = self._told.get(key)
        first = where if known is None else known.where
        self._told.put(key, Binding(kind, recorded, live, first, 0 if known is None else known.used))

    def _count(self, kind: Kind, recorded: Any) -> None:
        key = (kind, key_of(recorded))
        if key in self._told:
            known = self._told[key]
            self._told[key] = msgspec.structs.replace(known, used=known.used + 1)


class _Place(msgspec.Struct, frozen=True):
    """Where in two messages a comparison is."""

    location: Location
    step: Step
    where: str
    never: frozenset[Location]
    always: frozenset[Location]

    def into(self, part: str | int) -> "_Place":
        return _Place((*self.location, part), self.step.into(part), self.where, self.never, self.always)

    def named(self) -> str:
        path = "$"
        for part in self.location:
            path = f"{path}[{part}]" if isinstance(part, int) else member(path, part)
        return f"{self.where} {path}"


class _Rewriting:
    """Puts values in the stead of others in one message."""

    def __init__(self, maps: dict[Kind, Map], unwanted: list[Scope], count: Callable[[Kind, Any], None] | None) -> None:
        self._maps, self._unwanted, self._count = maps, unwanted, count
        self._never: frozenset[Location] = frozenset()

    def body(self, body: Any) -> Any:
        if not self._maps or not isinstance(body, dict):
            return body
        self._never = _locations(self._unwanted, body, body.get("method"))
        return {
            name: value if name in ("jsonrpc", "id", "method") else self._value(value, (name,), ROOT.into(name))
            for name, value in body.items()
        }

    def _value(self, value: Any, at: Location, step: Step) -> Any:
        if at in self._never:
            return value
        if isinstance(value, dict):
            return {self._name(name, at): self._member(name, each, at, step) for name, each in value.items()}
        if isinstance(value, list):
            return [self._value(each, (*at, index), step.into(index)) for index, each in enumerate(value)]
        if value is None or isinstance(value, bool):
            return value
        return self._leaf(value, step.kind)

    def _member(self, name: str, value: Any, at: Location, step: Step) -> Any:
        plain = name in WORDS and not isinstance(value, dict | list)
        return value if plain else self._value(value, (*at, name), step.into(name))

    def _name(self, name: str, at: Location) -> str:
        """A key of `inputRequests` and `inputResponses` may have been minted, too."""
        inputs = self._maps.get("input")
        if inputs is None or at not in INPUTS:
            return name
        instead = inputs.whole(name)
        self._used("input", name, instead)
        return str(instead)

    def _leaf(self, value: Any, kind: Kind | None) -> Any:
        for each in (kind, "value"):
            known = self._maps.get(each) if each is not None else None
            if known is not None and not equal(instead := known.whole(value), value):
                self._used(each or "value", value, instead)
                return instead
        known = self._maps.get("value")
        if known is None or not isinstance(value, str):
            return value
        return known.inside(value, lambda word: self._used("value", word, None))

    def _used(self, kind: Kind, value: Any, instead: Any) -> None:
        if self._count is not None and value != instead:
            self._count(kind, value)


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _counterparts(recorded: dict[str, Any], live: dict[str, Any]) -> list[tuple[str, str]]:
    """Which key stands for which: the same one, else that of an equal question or answer, else in order."""
    pairs = [(key, key) for key in recorded if key in live]
    left = [key for key in recorded if key not in live]
    free = [key for key in live if key not in recorded]
    for same in (equal, lambda one, other: True):
        for key in list(left):
            match = next((each for each in free if same(recorded[key], live[each])), None)
            if match is not None:
                pairs.append((key, match))
                left.remove(key)
                free.remove(match)
    return pairs


def _member(body: dict[str, Any], section: str, name: str) -> Any:
    found = body.get(section)
    return found.get(name) if isinstance(found, dict) else None


def _locations(
    scopes: list[Scope], body: dict[str, Any], method: str | None, name: str | None = None
) -> frozenset[Location]:
    """Where the paths lead that are for this message."""
    return frozenset(location for scope in scopes for location in scope.locations(body, method, name))
