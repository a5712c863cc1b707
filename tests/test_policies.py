"""The worked policies: each file is a test. Its play shows every rule at work, in both eras."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.playbook import PlayError, perform, read_play

from interpose.app.cli.policy import command as policy_command
from interpose.app.policies import read
from interpose.core.policy.reading import read_policy
from interpose.core.policy.shorthand import shorthand

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "policies"
POLICIES = sorted(FOLDER.glob("*.toml"))
GUIDE = ROOT / "docs" / "policy.md"
BLOCK = '[[rule]]\nname = "no-sampling"\nask = "sampling"\ndo = "block"'


def stem(path: Path) -> str:
    return path.stem


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_there_are_policies_and_no_play_without_one() -> None:
    assert len(POLICIES) >= 12
    assert {path.stem for path in FOLDER.glob("*.play")} == {path.stem for path in POLICIES}


@pytest.mark.parametrize("path", POLICIES, ids=stem)
def test_it_is_sound_and_is_called_as_its_file(path: Path) -> None:
    outcome = CliRunner().invoke(policy_command, ["check", str(path)], standalone_mode=False)
    assert (outcome.return_value, outcome.output.splitlines()[0].partition(",")[0]) == (0, f"{path}: ok")
    assert read(str(path)).name == path.stem


@pytest.mark.parametrize("path", POLICIES, ids=stem)
def test_its_play_goes_as_written_in_both_eras_and_every_rule_decides_in_it(path: Path) -> None:
    policy = read(str(path))
    play = path.with_suffix(".play")
    text = play.read_text(encoding="utf-8")
    decided = perform(policy, text, play.name)
    assert {scene.era for scene in read_play(text, play.name)} == {"stateful", "stateless"}
    idle = {rule.name for rule in policy.rules} - decided
    assert not idle, f"{play.name} never shows {', '.join(sorted(idle))} at work"


@pytest.mark.parametrize("number", range(len(fenced("toml"))))
def test_a_policy_in_the_guide_is_sound(number: int) -> None:
    read_policy(fenced("toml")[number], f"{GUIDE.name}, block {number + 1}")


@pytest.mark.parametrize("number", range(len(fenced("play"))))
def test_a_play_in_the_guide_goes_as_written_under_the_policy_before_it(number: int) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    before = guide[: guide.index(fenced("play")[number])]
    policy = re.findall(r"^```toml\n(.*?)^```$", before, re.MULTILINE | re.DOTALL)[-1]
    assert perform(read_policy(policy, GUIDE.name), fenced("play")[number], GUIDE.name)


def test_the_guide_shows_every_worked_policy_and_only_short_forms_that_can_be_read() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    assert [path.name for path in POLICIES if f"policies/{path.name}" not in guide] == []
    forms = re.findall(r"--(block|redact) ([\w.=*]+)", guide)
    assert forms
    for verb, what in forms:
        shorthand(f"{verb} {what}")


def test_a_play_that_goes_otherwise_shows_both_side_by_side() -> None:
    play = '== stateful\nserver> sampling/createMessage#7 {"maxTokens": 9}\n-> client\nby nobody'
    with pytest.raises(PlayError) as caught:
        perform(read_policy(BLOCK, "p.toml"), play, "p.play")
    said = str(caught.value).splitlines()
    assert said[0] == "p.play:2: server> sampling/createMessage#7"
    assert [re.sub(" +", " ", line).strip() for line in said[1:4]] == [
        "expected | delivered",
        "! -> client | -> server #7 error -1",
        "! by nobody | {",
    ]
    assert said[-1].strip() == "decided by no-sampling, would have: nobody"


@pytest.mark.parametrize(
    ("play", "problem"),
    [
        ("== stateful\nclient> tools/call#1 {}", "p.play:2: what must be delivered is not said"),
        ("== stateful\nclient> tools/call#1 {]\n-> server", "p.play:2: cannot be read"),
        ("== stateful\n-> server", "p.play:2: cannot be read"),
        ("client> tools/call#1", "p.play:1: cannot be read"),
        ("== stateful\nclient> tools/call#1\n-> everybody", "p.play:3: cannot be read"),
        ("== elsewhere", "p.play:1: cannot be read"),
    ],
)
def test_a_play_that_cannot_be_read_says_where(play: str, problem: str) -> None:
    with pytest.raises(PlayError) as caught:
        perform(read_policy(BLOCK, "p.toml"), play, "p.play")
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("expected", "passes"),
    [
        ("-> client", True),
        ('-> client {"messages": [{"role": "user"}], "systemPrompt": null}', True),
        ("-> client sampling/createMessage#7  by nobody", True),
        ('-> client {"messages": []}', False),
        ('-> client {"maxTokens": null}', False),
        ('-> client {"maxTokens": 9.5}', False),
        ("-> client #7 result", False),
        ("-> server", False),
        ("-> nothing", False),
        ("-> client\n-> client", False),
        ("-> client  by quiet", False),
        ("-> client  would quiet", True),
    ],
)
def test_what_a_play_expects_is_held_against_what_is_delivered(expected: str, passes: bool) -> None:
    policy = read_policy('[[rule]]\nname = "quiet"\nask = "sampling"\ndo = "block"\nmode = "audit"', "p.toml")
    asked = 'server> sampling/createMessage#7 {"messages": [{"role": "user", "content": []}], "maxTokens": 9}'
    play = f"== stateful\n{asked}\n{expected}"
    if passes:
        assert perform(policy, play, "p.play") == {"quiet"}
    else:
        with pytest.raises(PlayError):
            perform(policy, play, "p.play")
