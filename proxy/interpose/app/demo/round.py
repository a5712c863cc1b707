"""One round of a multi-round request (2026-07-28): what earlier rounds answered, what is asked next.

The server keeps nothing between rounds; `requestState` carries all of it, sealed against edits and against
use with another request. It is not encrypted, and does not expire before the process does.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

import orjson

from interpose.app.demo.ask import Ask
from interpose.app.demo.wire import INVALID_PARAMS, Fault, Json, Request

_ROUND_KEYS = ("_meta", "inputResponses", "requestState")
_KEY = secrets.token_bytes(32)
_SEAL = hashlib.sha256().digest_size


class InputRequired(Exception):
    """The request ends here for now: the client answers, and sends it again."""

    def __init__(self, asks: dict[str, Ask]) -> None:
        super().__init__()
        self.asks = asks


class Round:
    """What one request brings along from the rounds before it."""

    def __init__(self, request: Request) -> None:
        self._target = _target(request)
        state = self._open(request.params["requestState"]) if "requestState" in request.params else {}
        asked = state.get("asked", [])
        given = request.params.get("inputResponses") or {}
        fresh = {key: answer for key, answer in given.items() if key in asked and isinstance(answer, dict)}
        self.answers: dict[str, Json] = state.get("answers", {}) | fresh
        self.paused: bool = state.get("paused", False)

    def result(self, needed: InputRequired) -> Json:
        """The `input_required` result; without questions it only sends the client once around."""
        state = {
            "asked": list(needed.asks),
            "answers": self.answers,
            "paused": self.paused or not needed.asks,
        }
        result: Json = {"resultType": "input_required", "requestState": self._seal(state)}
        if needed.asks:
            asks = {key: {"method": ask.method, "params": ask.params} for key, ask in needed.asks.items()}
            result["inputRequests"] = asks
        return result

    def _seal(self, state: Json) -> str:
        body = orjson.dumps(state)
        return urlsafe_b64encode(self._mark(body) + body).decode()

    def _open(self, sealed: object) -> Json:
        try:
            raw = urlsafe_b64decode(str(sealed).encode())
        except ValueError:
            raw = b""
        if not hmac.compare_digest(raw[:_SEAL], self._mark(raw[_SEAL:])):
            raise Fault(INVALID_PARAMS, "requestState is not from here", {"reason": "invalid_request_state"})
        state: Json = orjson.loads(raw[_SEAL:])
        return state

    def _mark(self, body: bytes) -> bytes:
        return hmac.digest(_KEY, self._target + body, "sha256")


def _target(request: Request) -> bytes:
    """What must not change between the rounds: the method and its own parameters."""
    params = {key: value for key, value in request.params.items() if key not in _ROUND_KEYS}
    return hashlib.sha256(orjson.dumps([request.method, params], option=orjson.OPT_SORT_KEYS)).digest()
