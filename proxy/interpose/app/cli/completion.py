"""`interpose completion`: what a shell needs to complete commands, options, clients and files."""

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> int:
    """Print what makes SHELL complete the command line of interpose.

    bash 4.4 or newer, zsh or fish. The shell starts interpose when Tab is pressed.

    Prints a script, to be read by the shell when it starts.

    \b
    Exit codes: 0 fine, 2 there is no such shell here.

    \b
    Examples:
      interpose completion bash > ~/.local/share/bash-completion/completions/interpose
      interpose completion zsh > ~/.zfunc/_interpose
      interpose completion fish > ~/.config/fish/completions/interpose.fish
    """
    found = get_completion_class(shell)
    assert found is not None, "click knows these three"
    click.echo(found(context.find_root().command, {}, "interpose", "_INTERPOSE_COMPLETE").source())
    return 0
