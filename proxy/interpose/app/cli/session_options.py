"""Options of the commands that stand in the middle of live sessions: each is spelled here alone."""

from collections.abc import Callable
from typing import Any

import click

from interpose.edge.approvers import NAMES

Command = Callable[..., Any]

_VERBS = ("block", "hold", "redact")


def listen(what: str) -> Callable[[Command], Command]:
    """Where clients come to."""
    return click.option("--listen", metavar="HOST:PORT", help=what)


def record(what: str, metavar: str = "FILE|DIR") -> Callable[[Command], Command]:
    """Where recordings go."""
    return click.option("--record", metavar=metavar, type=click.Path(), help=what)


policy = click.option(
    "--policy",
    metavar="FILE",
    type=click.Path(),
    multiple=True,
    help="Enforce the rules in this file; may be repeated.",
)


def governing(command: Command) -> Command:
    """Which rules are in force, and who decides about what they hold; see `rules`."""
    options = (
        policy,
        click.option("--block", metavar="WHAT", multiple=True, help="Short rule: sampling, roots, tool=NAME ..."),
        click.option(
            "--hold", metavar="WHAT", multiple=True, help="Short rule, as --block: wait 50 s for an approval."
        ),
        click.option(
            "--redact", metavar="WHAT", multiple=True, help="Short rule: secrets, email, phone, card, iban, ip."
        ),
        click.option(
            "--approver",
            metavar="WHO",
            multiple=True,
            default=("nobody",),
            show_default=True,
            help=f"Who decides about what a rule holds: {NAMES}. May be repeated; nobody: its timeout does.",
        ),
        click.option(
            "--approver-secret-file",
            metavar="FILE",
            type=click.Path(),
            help="Sign what --approver webhook:URL is asked with this.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def rules(given: dict[str, Any]) -> tuple[str, ...]:
    """The short rules among what `governing` gave, taken out of it."""
    return tuple(f"{verb} {what}" for verb in _VERBS for what in given.pop(verb))
