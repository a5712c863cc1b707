"""Who decides about held messages, by name. Add an approver: a file here, and a line in `_make`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from interpose.core.errors import UsageError
from interpose.edge.approvers.fixed import Fixed
from interpose.edge.approvers.several import Several

if TYPE_CHECKING:
    from interpose.edge.approvers.desk import Desk
    from interpose.edge.approvers.errands import Say
    from interpose.edge.link import Approver

# Those that need nothing and answer at once.
APPROVERS: "dict[str, Approver | None]" = {
    "nobody": None,
    "approve": Fixed("approve"),
    "decline": Fixed("decline"),
}
NAMES = "nobody, approve, decline, terminal, command:PROGRAM or webhook:URL"


def approver_of(
    names: Sequence[str], say: "Say", *, secret_file: str | None = None, desk: "Desk | None" = None
) -> "Approver | None":
    """Who is asked, all at once; None where nobody is. What waits at `desk` is decided there, too.

    Nothing is loaded for those that are not named. Raises: UsageError.
    """
    if secret_file is not None and not any(name.startswith("webhook:") for name in names):
        raise UsageError("--approver-secret-file goes with --approver webhook:URL")
    found: dict[str, Approver] = {}
    for name in names:
        kind = name.partition(":")[0]
        if kind in found:
            raise UsageError(f"--approver: `{kind}` can be named once")
        if (approver := _make(name, say, secret_file, desk)) is not None:
            found[kind] = approver
    if desk is not None:
        found["web"] = found.get("terminal") or _attended(desk, say)
    return Several(found) if found else None


def _attended(desk: "Desk", say: "Say") -> "Approver":
    from interpose.edge.approvers.attended import Attended

    return Attended(desk, say)


def _make(name: str, say: "Say", secret_file: str | None, desk: "Desk | None") -> "Approver | None":
    kind, _, more = name.partition(":")
    match kind:
        case _ if name in APPROVERS:
            return APPROVERS[name]
        case "terminal" if not more:
            from interpose.edge.approvers.desk import Desk
            from interpose.edge.approvers.terminal import Terminal

            return Terminal(desk or Desk(), say)
        case "command" if more:
            from interpose.edge.approvers.command import command

            return command(more, say)
        case "webhook" if more:
            from interpose.edge.approvers.webhook import webhook

            return webhook(more, secret_file, say)
    raise UsageError(f"--approver: `{name[:60]}` is not one: say {NAMES}")
