"""The argument CLIENT|FILE: what a shell may complete it with."""

import click
from click.shell_completion import CompletionItem

from interpose.app.clients.places import CLIENTS


def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Clients that are known; where none begins like this, files."""
    found = [CompletionItem(name) for name in CLIENTS if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]
