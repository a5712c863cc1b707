"""Who decides about held messages, by name. Add an approver: a file here, and a line below."""

from interpose.edge.approvers.fixed import Fixed
from interpose.edge.link import Approver

APPROVERS: dict[str, Approver | None] = {
    "nobody": None,
    "approve": Fixed("approve"),
    "decline": Fixed("decline"),
}
