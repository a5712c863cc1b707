"""What the page asks about held messages, and what it decides. What may be decided is the desk's and the policy's."""

from aiohttp import web

from interpose.app.web.consent import brief, whole
from interpose.app.web.door import Asked, Handler, Refused, as_json, body
from interpose.app.web.hub import Hub
from interpose.core.events import Decision
from interpose.core.formats import approval
from interpose.edge.approvers.desk import Desk, Gone, Unfit

_DECISIONS: dict[str, Decision] = {
    "approve": "approve",
    "edit": "edit",
    "answer": "answer",
    "decline": "decline",
    "cancel": "cancel",
}
_PAGE = 60
_BY = "the page"


class Approvals:
    """Stands between the page and a desk."""

    def __init__(self, desk: Desk | None, hub: Hub) -> None:
        self._desk, self._hub = desk, hub

    def gets(self) -> dict[str, Handler]:
        return {"pending": self.pending}

    def posts(self) -> dict[str, Handler]:
        return {"decide": self.decide}

    async def pending(self, request: Asked, steps: list[str]) -> web.StreamResponse:
        """`pending`: a page of them from `from` on; `pending/HOLD`: one with all that is to be known."""
        found = self._desk.pending() if self._desk is not None else ()
        if steps:
            return as_json(self._whole(next((each for each in found if each.hold == steps[0]), None)))
        word = request.query.get("from", "0")
        begin = int(word) if word.isdecimal() and len(word) < 9 else 0
        return as_json({"count": len(found), "holds": [brief(each) for each in found[begin : begin + _PAGE]]})

    async def decide(self, request: Asked, steps: list[str]) -> web.StreamResponse:
        """`{"hold", "decision", "edited"?, "answer"?}`; the last two are JSON as text, so that digits stay."""
        if self._desk is None:
            raise Refused(409, "nobody decides here: run with --approver and a rule that holds")
        said = await body(request)
        decision = _DECISIONS.get(str(said.get("decision")))
        hold = said.get("hold")
        if decision is None or not isinstance(hold, str):
            raise Refused(400, "want a hold and one of " + ", ".join(_DECISIONS))
        try:
            self._desk.decide(hold, decision, _BY, edited=_text(said, "edited"), answer=_text(said, "answer"))
        except Gone as gone:
            raise Refused(410, str(gone)) from None
        except Unfit as unfit:
            raise Refused(422, str(unfit)) from None
        return as_json({"decided": decision})

    def _whole(self, asked: approval.Asked | None) -> dict[str, object]:
        if asked is None:
            raise Refused(410, "it waits no more")
        chronicle = self._hub.chronicles.get(asked.session)
        return whole(asked, None if chronicle is None else chronicle.header)


def _text(said: dict[str, object], name: str) -> bytes | None:
    found = said.get(name)
    if found is not None and not isinstance(found, str):
        raise Refused(400, f"`{name}` has to be JSON as text")
    return None if found is None else found.encode("utf-8", "surrogatepass")
