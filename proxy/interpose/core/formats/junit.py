"""Results as JUnit XML, as build servers read it. Knows nothing of what was tested."""

import re
from collections.abc import Iterable, Iterator

import msgspec

# What XML 1.0 cannot hold, not even as a reference (§2.2).
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}
_IN_TEXT = str.maketrans({key: each for key, each in _REFERENCES.items() if key not in '"\n\t'})
_IN_VALUE = str.maketrans(_REFERENCES)


class Case(msgspec.Struct, frozen=True):
    """One test. It passed unless `failure` says what was wrong; `detail` is what there is more to say."""

    name: str
    group: str
    failure: str | None = None
    detail: str = ""
    seconds: float = 0.0


class Suite(msgspec.Struct, frozen=True):
    """Tests that belong together; `broken` says why they could not be run to the end."""

    name: str
    cases: tuple[Case, ...]
    timestamp: str = ""
    broken: str | None = None


def document(suites: Iterable[Suite]) -> Iterator[str]:
    """The document, in pieces."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
    for suite in suites:
        yield from _suite(suite)
    yield "</testsuites>\n"


def _suite(suite: Suite) -> Iterator[str]:
    broken = suite.broken is not None
    counts = {
        "name": suite.name,
        "tests": str(len(suite.cases) + broken),
        "failures": str(sum(case.failure is not None for case in suite.cases)),
        "errors": str(int(broken)),
        "time": f"{sum(case.seconds for case in suite.cases):.3f}",
    }
    if suite.timestamp:
        counts["timestamp"] = suite.timestamp
    yield f"  <testsuite{_attributes(counts)}>\n"
    for case in suite.cases:
        yield from _case(case)
    if suite.broken is not None:
        about = {"name": "the recording can be read", "classname": suite.name}
        yield f"    <testcase{_attributes(about)}>\n      <error{_attributes({'message': suite.broken})}/>\n"
        yield "    </testcase>\n"
    yield "  </testsuite>\n"


def _case(case: Case) -> Iterator[str]:
    start = f"    <testcase{_attributes({'name': case.name, 'classname': case.group, 'time': f'{case.seconds:.3f}'})}"
    if case.failure is None and not case.detail:
        yield f"{start}/>\n"
        return
    yield f"{start}>\n"
    if case.failure is not None:
        yield f"      <failure{_attributes({'message': case.failure})}>{_text(case.detail)}</failure>\n"
    else:
        yield f"      <system-out>{_text(case.detail)}</system-out>\n"
    yield "    </testcase>\n"


def _attributes(found: dict[str, str]) -> str:
    return "".join(f' {name}="{_NO_XML.sub("�", value).translate(_IN_VALUE)}"' for name, value in found.items())


def _text(text: str) -> str:
    return _NO_XML.sub("�", text).translate(_IN_TEXT)
