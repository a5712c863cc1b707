"""Leaves tools, prompts and resources out of every page of a list, and refuses their use as if they did not exist.

do = "hide"
tool = ["delete_*", "admin_*"]
resource = "file:///etc/*"

Or all but some: `tool = "*"` and `unless_tool = ["search", "read_*"]`.
"""

from functools import lru_cache
from typing import Any

from interpose.core.policy.actions.denial import INVALID_PARAMS, RESOURCE_NOT_FOUND, Denial
from interpose.core.policy.actions.place import entries, member, shown
from interpose.core.policy.address import matcher_of_uris, spellings
from interpose.core.policy.editing import Editing
from interpose.core.policy.fault import RuleFault
from interpose.core.policy.glob import Matcher, matcher
from interpose.core.policy.redact.engine import RefusedError
from interpose.core.policy.rule import Hide
from interpose.core.session.sighting import Sighting
from interpose.core.wire.message import Kind

# Of each list: the member of the result, what names an entry, and whose globs it is held against.
_LISTS = {
    "tools/list": ("tools", "name", "tool"),
    "prompts/list": ("prompts", "name", "prompt"),
    "resources/list": ("resources", "uri", "resource"),
    "resources/templates/list": ("resourceTemplates", "uriTemplate", "resource"),
}
_USES = {
    "tools/call": ("name", "tool"),
    "prompts/get": ("name", "prompt"),
    "resources/read": ("uri", "resource"),
    "resources/subscribe": ("uri", "resource"),
    "resources/unsubscribe": ("uri", "resource"),
}
_COMPLETE = "completion/complete"
_LISTEN = "subscriptions/listen"
_UPDATED = "notifications/resources/updated"


def hide(rule: Hide, editing: Editing) -> str | None:
    sighting = editing.sighting
    if sighting.end == "client":
        return _unlisten(rule, editing.body) if editing.body.get("method") == _LISTEN else None
    if sighting.method is None:
        # The answer to a request that was never seen may be any list.
        said = [_unlist(rule, editing.body, *each) for each in _LISTS.values()]
    else:
        said = [_unlist(rule, editing.body, *_LISTS[sighting.method])] if sighting.method in _LISTS else []
    return ", ".join(filter(None, said)) or None


def concerns(rule: Hide, sighting: Sighting) -> bool:
    """Whether a message is one that `hide` may change."""
    if sighting.kind is Kind.RESULT:
        return sighting.method is None or sighting.method in _LISTS
    return sighting.method == _LISTEN and rule.resource is not None


def is_hidden_call(rule: Hide, sighting: Sighting) -> bool:
    """Whether a client uses what it cannot have seen."""
    return any(_is_hidden(rule, what, name) for what, name in _used(sighting))


def denial(rule: Hide, sighting: Sighting) -> Denial | None:
    """What the user of a hidden thing is told, if this is one: what a server says that never had it."""
    hidden = next(((what, name) for what, name in _used(sighting) if _is_hidden(rule, what, name)), None)
    if hidden is None:
        return None
    what, name = hidden
    said = name if isinstance(name, str) else shown(name)
    if what != "resource":
        return Denial(INVALID_PARAMS, f"Unknown {what}: {said}")
    is_read = sighting.era == "stateful" and sighting.method != _COMPLETE
    return Denial(RESOURCE_NOT_FOUND if is_read else INVALID_PARAMS, f"Resource not found: {said}")


def _used(sighting: Sighting) -> list[tuple[str, Any]]:
    """What a client's message uses: of what sort, and by what name."""
    if sighting.end != "client" or sighting.message.method is None:
        return []
    if sighting.method in _USES:
        key, what = _USES[sighting.method]
        name = sighting.name
        return [(what, member(sighting.message.section("params"), key) if name is None else name)]
    if sighting.method != _COMPLETE:
        return []
    ref = member(sighting.message.section("params"), "ref")
    return [(what, ref[key]) for key, what in (("name", "prompt"), ("uri", "resource")) if member(ref, key) is not None]


def is_swallowed(rule: Hide, sighting: Sighting) -> bool:
    """Whether a server tells news of a hidden resource."""
    is_news = sighting.end == "server" and sighting.kind is Kind.NOTIFICATION and sighting.method == _UPDATED
    return is_news and _is_hidden(rule, "resource", member(sighting.message.section("params"), "uri"))


def _unlist(rule: Hide, body: dict[str, Any], name: str, key: str, what: str) -> str | None:
    found = entries(body.get("result"), name)
    return _leave_out(found, [entry for entry in found or () if not _is_hidden(rule, what, member(entry, key))], name)


def _unlisten(rule: Hide, body: dict[str, Any]) -> str | None:
    """Takes hidden resources out of what a client wants to hear of (2026-07-28)."""
    name = "resourceSubscriptions"
    found = entries(member(body, "params", "notifications"), name)
    return _leave_out(found, [uri for uri in found or () if not _is_hidden(rule, "resource", uri)], name)


def _leave_out(found: list[Any] | None, left: list[Any], name: str) -> str | None:
    """Keeps only what is left."""
    if found is None or len(left) == len(found):
        return None
    count, found[:] = len(found), left
    return f"left {count - len(left)} of {count} out of {name}"


def _is_hidden(rule: Hide, what: str, name: Any) -> bool:
    """Whether a rule means this one. What has no readable name cannot be told, and so it is hidden."""
    globs: tuple[str, ...] | None = getattr(rule, what)
    if globs is None:
        return False
    if not isinstance(name, str):
        return True
    spared: tuple[str, ...] = getattr(rule, f"unless_{what}") or ()
    is_uri = what == "resource"
    names = spellings(name) if is_uri else (name,)
    try:
        # One spelling is enough to hide it, and all of them are needed to spare it.
        return any(map(_matcher(globs, is_uri), names)) and not all(map(_matcher(spared, is_uri), names))
    except (RuleFault, RefusedError):
        return True


@lru_cache(maxsize=512)
def _matcher(globs: tuple[str, ...], are_uris: bool) -> Matcher:
    return matcher_of_uris(globs) if are_uris else matcher(globs)
