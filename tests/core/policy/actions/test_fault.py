"""`fault`: what is told to the edge, and the error that stands for an answer."""

from typing import Any

import pytest
from tests.core.policy.actions.trying import rule

from interpose.core.policy.actions.fault import Fault, error_body, fault_of


@pytest.mark.parametrize(
    ("keys", "fault", "passes", "is_timed"),
    [
        ({"fault": "delay", "seconds": 2.5}, Fault("delay", 2.5), True, True),
        ({"fault": "slow", "seconds": 2}, Fault("slow", 2.0), True, True),
        ({"fault": "disconnect"}, Fault("disconnect"), False, True),
        ({"fault": "drop"}, Fault("drop"), False, False),
        ({"fault": "error"}, Fault("error"), False, False),
    ],
)
def test_faults(keys: Any, fault: Fault, passes: bool, is_timed: bool) -> None:
    found = fault_of(rule("fault", **keys))
    assert (found, found.passes, found.is_timed) == (fault, passes, is_timed)


def test_errors() -> None:
    said = {"code": -32603, "message": "Internal error", "data": {"interpose": {"rule": "one"}}}
    assert error_body(rule("fault", fault="error")) == {"error": said}
    own = error_body(rule("fault", fault="error", code=0, message="no"))
    assert own["error"] == said | {"code": 0, "message": "no"}
