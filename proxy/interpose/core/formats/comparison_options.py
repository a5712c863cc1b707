"""Options of a replay as a commented TOML file."""

import json
from collections.abc import Iterable, Iterator

from interpose.core.formats.comparison import label
from interpose.core.formats.words import cut, plural, safe
from interpose.core.replay.learning import Learnt, Proposal
from interpose.core.replay.options import TABLE, Options

_DEFAULT = Options()
_WIDTH = 110
_MOST_LEFT = 20


def toml(learnt: Learnt, recordings: list[str]) -> Iterator[str]:
    """The lines of the file. `recordings` are what it was learnt from."""
    yield "# How `interpose replay`, `interpose test` and `interpose diff` compare this recording. Learnt from:"
    yield from (_comment(f"  {path}") for path in recordings)
    options = learnt.options
    yield ""
    yield f"[{TABLE}]"
    if options.match != _DEFAULT.match:
        yield f"match = {_text(options.match)}"
    if options.lenient:
        yield "lenient = true"
    yield from _list("ignore", options.ignore, learnt.ignore, "Values that came out different: METHOD NAME PATH.")
    yield from _list("free", options.free, learnt.free, "Notifications whose number and place do not count.")
    yield from _list("bind", options.bind, (), "Values to bind, however short they are.")
    yield from _list("no_bind", options.no_bind, (), "Values never to bind.")
    if learnt.left:
        yield ""
        yield _comment("What differs all the same:")
        for finding in learnt.left[:_MOST_LEFT]:
            side = {"first": " (only in the first)", "second": " (only in another)"}.get(finding.kind, "")
            paths = ", ".join(each.path for each in finding.differences[:3])
            yield _comment(f"  {label(finding)}{side}{f': {paths}' if paths else ''}")
        if len(learnt.left) > _MOST_LEFT:
            yield _comment(f"  … and {len(learnt.left) - _MOST_LEFT} more")


def _list(key: str, values: tuple[str, ...], proposals: Iterable[Proposal], about: str) -> Iterator[str]:
    if not values:
        return
    known = {proposal.text: proposal for proposal in proposals}
    yield ""
    yield _comment(about)
    yield f"{key} = ["
    for value in values:
        proposal = known.get(value)
        if proposal is not None:
            yield f"    {_comment(_seen(proposal))}"
        yield f"    {_text(value)},"
    yield "]"


def _seen(proposal: Proposal) -> str:
    times = plural(proposal.times, "time")
    if proposal.first is None and proposal.second is None:
        return times
    return f"{times}: {proposal.first or '(absent)'} and {proposal.second or '(absent)'}"


def _comment(text: str) -> str:
    return cut(f"# {safe(text)}", _WIDTH)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
