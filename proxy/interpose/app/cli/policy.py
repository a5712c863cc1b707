"""`interpose policy`: whether a policy file is sound, and what may stand in one."""

import json

import click

from interpose.app import console
from interpose.app.policies import missing_locks, read
from interpose.core.errors import UsageError
from interpose.core.policy.reading import PolicyError
from interpose.core.policy.rule import Effect, Policy, effect_of
from interpose.core.policy.schema import policy_schema

_ORDER: tuple[Effect, ...] = ("deny", "hold", "edit", "allow", "note")


@click.group("policy")
def command() -> None:
    """Check policy files, and say what may stand in them."""


@command.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(dir_okay=False))
def check(files: tuple[str, ...]) -> int:
    """Read policy FILES and tell everything that is wrong with them, with file, line and rule.

    Prints a line for each file that is sound, with the kinds of its rules, and one for each fault.

    \b
    Exit codes: 0 all are sound, 2 one is not.

    \b
    Examples:
      interpose policy check careful.toml
      interpose policy check careful.toml today.toml
    """
    sound = [_is_sound(name) for name in files]
    return 0 if all(sound) else 2


@command.command("explain")
@click.argument("recording", type=click.Path(dir_okay=False))
@click.argument("seq", type=click.IntRange(min=1))
@click.option(
    "--policy",
    "files",
    metavar="FILE",
    type=click.Path(),
    multiple=True,
    help="Ask these rules instead of the recorded verdict.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def explain(recording: str, seq: int, files: tuple[str, ...], as_json: bool) -> int:
    """Say why a message was treated as it was: each rule, and what in it matched or did not.

    Prints the message and a line for each rule. `interpose show --full` tells the numbers.

    \b
    Exit codes: 0 fine, 2 the recording or the policy cannot be read, or there is no such message.

    \b
    Examples:
      interpose policy explain session.jsonl 14
      interpose policy explain session.jsonl 14 --policy careful.toml
    """
    from interpose.app.cli import rehearse

    return rehearse.explain(recording, seq, files, as_json)


@command.command("schema")
def schema() -> int:
    """Print the JSON Schema of policy files, for editors.

    Prints JSON.

    \b
    Exit codes: 0 fine.

    \b
    Examples:
      interpose policy schema
      interpose policy schema > policy.schema.json
    """
    click.echo(json.dumps(policy_schema(), indent=2, ensure_ascii=False))
    return 0


def summary(policy: Policy) -> str:
    """How many rules there are, and of which kind."""
    counts = dict.fromkeys(_ORDER, 0)
    audits = 0
    for rule in policy.rules:
        if rule.mode == "audit":
            audits += 1
        else:
            counts[effect_of(rule)] += 1
    parts = [f"{count} {effect}" for effect, count in counts.items() if count] + ([f"{audits} audit"] if audits else [])
    number = len(policy.rules)
    return f"{number} rule{'' if number == 1 else 's'} ({', '.join(parts)})"


def _is_sound(name: str) -> bool:
    try:
        policy = read(name)
    except PolicyError as error:
        for problem in error.problems:
            click.echo(str(problem))
        return False
    except UsageError as error:
        console.say(str(error))
        return False
    click.echo(f"{name}: ok, {summary(policy)}")
    for rule, file in missing_locks(policy):
        click.echo(f"{name}: rule `{rule}`: note: {file} is not there; it is written once tools were listed")
    return True
