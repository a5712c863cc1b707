"""What can be refused is refused here, before anything is started: policies, approvers, the place of recordings.

Nothing is loaded for what is not asked for.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interpose.app import console
from interpose.app.running.options import Governing, Options
from interpose.edge.approvers import approver_of

if TYPE_CHECKING:
    from interpose.app.web.live import LivePage
    from interpose.core.policy.rule import Policy
    from interpose.edge.link import Approver
    from interpose.edge.spans.collector import Collector


@dataclass(frozen=True, slots=True)
class Prepared:
    """The options and what they lead to."""

    options: Options
    policies: "tuple[Policy, ...]"
    approver: "Approver | None"
    collector: "Collector | None"
    page: "LivePage | None"


def prepare(options: Options) -> Prepared:
    """Raises: InterposeError for what can be mended on the command line or in a policy file."""
    shown = page(options)
    desk = None if shown is None else shown.desk
    approver = approver_of(options.approver, console.say, secret_file=options.approver_secret_file, desk=desk)
    prepared = Prepared(options, policies(options), approver, collector(options), shown)
    if options.record:
        from interpose.edge.stores import placing

        placing.check(options.record)
    return prepared


def collector(options: Options) -> "Collector | None":
    """Where spans are to go. Raises: UsageError for an address that is none."""
    if options.otel is None:
        return None
    from interpose.edge.spans.collector import Collector

    return Collector(options.otel, options.otel_headers)


def page(options: Options) -> "LivePage | None":
    """Where sessions are to be seen. Raises: UsageError for an address that is not this machine's own."""
    if options.ui is None:
        return None
    from interpose.app.web.live import LivePage

    return LivePage(options.ui, options.record, options.policy)


def policies(options: Governing) -> "tuple[Policy, ...]":
    """What is to be enforced. Raises: PolicyError and UsageError for what cannot be."""
    if not options.policy and not options.rules:
        return ()
    from interpose.app.policies import from_rules, read_all

    return (*read_all(options.policy), *from_rules(options.rules))
