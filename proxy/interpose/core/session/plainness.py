"""Which calls and answers change nothing that outlasts them."""

from collections.abc import Sequence
from typing import Any, get_args

import msgspec
import orjson
from msgspec import UNSET, Raw

from interpose.core.session.glancing import PLAIN, Call, PlainParams, PlainResult

PLAIN_METHODS = frozenset(get_args(PLAIN))
_params = msgspec.json.Decoder(PlainParams).decode
_result = msgspec.json.Decoder(PlainResult).decode
_MORE = frozenset({"task", "taskId", "requestState", "inputResponses"})
_MORE_THAN_PLAIN = _MORE | {"_meta"}


def is_plain_call(params: bytes, value: dict[str, Any] | None, *, stateless: bool) -> bool:
    """A call of the era that the session opened in, with no task and no answers to questions in it."""
    if value is not None:
        return are_plain_values((value,), stateless=stateless)
    if not params:
        return not stateless
    try:
        return _is_of_era(_params(params).meta, stateless=stateless)
    except (msgspec.DecodeError, RecursionError):
        return False


def are_plain_values(params: Sequence[dict[str, Any]], *, stateless: bool) -> bool:
    """The same of the params of calls, which were read."""
    said = set().union(*params)
    if _MORE_THAN_PLAIN.isdisjoint(said):
        return not stateless
    if not _MORE.isdisjoint(said):
        return False
    metas = [Raw(orjson.dumps(each["_meta"])) if "_meta" in each else Raw() for each in params]
    return all(_is_of_era(meta, stateless=stateless) for meta in metas)


def are_of_era(calls: Sequence[Call], *, stateless: bool) -> bool:
    """Whether calls that were only glanced at are of this era, and none of them is a task."""
    metas = [call.params.meta for call in calls if call.params is not UNSET and call.params.meta]
    if stateless and len(metas) < len(calls):
        return False
    return all(_is_of_era(meta, stateless=stateless) for meta in metas)


def _is_of_era(said: Raw, *, stateless: bool) -> bool:
    """Whether a call with this `_meta` is of this era, and no task."""
    if not said:
        return not stateless
    meta = bytes(said)
    return (b"protocolVersion" in meta) == stateless and b"task" not in meta and b"\\u" not in meta


def is_final(result: bytes, value: dict[str, Any] | None) -> bool:
    """An answer that is no question and no task."""
    if value is not None:
        return are_final((value,))
    try:
        _result(result)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def are_final(results: Sequence[dict[str, Any]]) -> bool:
    """The same of answers that were read."""
    return all("task" not in each and each.get("resultType", "complete") == "complete" for each in results)
