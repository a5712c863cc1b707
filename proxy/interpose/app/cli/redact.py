"""`interpose redact`: a copy of a recording with secrets and personal data masked afterwards, and its chain made anew.

A recording that was changed since it was made is refused: a new chain would hide that.
"""

import base64
import hashlib
import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

import click
import msgspec
import orjson
from msgspec import Raw

from interpose.app import console, policies
from interpose.core.errors import RecordingError, UsageError
from interpose.core.formats.excerpt import said
from interpose.core.formats.words import plural
from interpose.core.policy.redact.masking import Finding
from interpose.core.policy.redact.placeholders import Placeholders
from interpose.core.policy.redact.redactor import Options, Redactor
from interpose.core.policy.rule import Redact
from interpose.core.recording.codec import chain_of, chained, decode_entry, decode_header

_CHAIN = b',"chain":"'
_DEFAULT = "secrets,email"
_UNFINISHED = "unfinished"
_members = msgspec.json.Decoder(dict[str, Raw]).decode


@click.command("redact")
@click.argument("recording", type=click.Path(dir_okay=False))
@click.option("-o", "--output", "new", metavar="NEW", required=True, type=click.Path(dir_okay=False), help="The copy.")
@click.option("--find", metavar="NAMES", help=f"What to look for, with commas between. Default: {_DEFAULT}.")
@click.option(
    "--policy",
    "policy_files",
    metavar="FILE",
    type=click.Path(),
    multiple=True,
    help="Mask what its `redact` rules look for, everywhere.",
)
def command(recording: str, new: str, find: str | None, policy_files: tuple[str, ...]) -> int:
    """Write NEW: RECORDING with secrets and personal data masked. What is not masked stays as it was, byte for byte.

    Prints nothing; how much was masked is told on standard error.

    \b
    Exit codes: 0 fine, 2 the recording is damaged, or NEW cannot be written.

    \b
    Examples:
      interpose redact session.jsonl -o masked.jsonl
      interpose redact session.jsonl -o shared.jsonl --find secrets,email,phone
    """
    masks = _Masks(_redactors(find, policy_files))
    try:
        source = open(recording, "rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise RecordingError(recording, None, f"cannot be read ({error.strerror})") from None
    with source, _created(new) as copy:
        try:
            lines = _copy(recording, source, copy, masks)
        except BaseException:
            os.unlink(new)
            raise
    found = ", ".join(f"{number} {name}" for name, number in sorted(masks.found.items())) or "nothing"
    click.echo(f"{said(new, 300)}: masked {found} in {masks.lines} of {plural(lines, 'line')}")
    return 0


def _redactors(find: str | None, policy_files: Iterable[str]) -> list[Redactor]:
    rules = [rule for policy in policies.read_all(policy_files) for rule in policy.rules if isinstance(rule, Redact)]
    if policy_files and not rules:
        raise UsageError('--policy: there is no rule with `do = "redact"` in it')
    named = find if find is not None or rules else _DEFAULT
    options = [Options(tuple(name.strip() for name in named.split(",")))] if named is not None else []
    options += [Options(rule.find or (), rule.patterns or {}, rule.paths or (), rule.keys or ()) for rule in rules]
    return [Redactor(each) for each in options]


def _created(new: str) -> IO[bytes]:
    """INVARIANT: nothing that is there is ever overwritten."""
    try:
        return os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
    except FileExistsError:
        raise UsageError(f"{new} is there already; name another with -o") from None
    except OSError as error:
        raise UsageError(f"{new} cannot be written ({error.strerror}); name another with -o") from None


def _copy(recording: str, source: Iterable[bytes], copy: IO[bytes], masks: "_Masks") -> int:
    """Line by line. How many there are."""
    before, after = "", b""
    number = 0
    for number, line in _whole(recording, source):
        expected, before = chain_of(before, line)
        if expected != before:
            problem = "changed after it was recorded, or the line before it is gone; a new chain would hide that"
            raise RecordingError(recording, number, problem)
        try:
            body = masks.line(line[: line.rindex(_CHAIN)])
        except _UnfinishedError:
            raise RecordingError(recording, number, "too much is wrapped in itself to be looked through") from None
        after, pieces = chained(after, (body,))
        copy.writelines(pieces)
    return number


def _whole(recording: str, source: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, each one that a recording may have; a last one that is cut off is left out."""
    for number, line in enumerate(source, 1):
        if number > 1 and (not line.endswith(b"\n") or line.startswith(b"\0")):
            console.say(f"{recording}, line {number}: cut off while it was being written, and left out")
            return
        try:
            _ = decode_header(line) if number == 1 else decode_entry(line)
        except ValueError as error:
            raise RecordingError(recording, number, str(error) if number == 1 else f"damaged: {error}") from None
        yield number, line


class _UnfinishedError(Exception):
    """A message could not be looked through to its end."""


class _Masks:
    """Masks the lines of one recording; one value gets one placeholder all through it. `found` counts by finder."""

    def __init__(self, redactors: list[Redactor]) -> None:
        key = secrets.token_bytes(32)
        self._placeholders = Placeholders(lambda plain: hashlib.blake2b(plain, digest_size=16, key=key).digest())
        self._redactors = redactors
        self.found: Counter[str] = Counter()
        self.lines = 0
        self._ways: dict[str, Callable[[bytes], bytes]] = {
            "message": self._json,
            "delivered": self._json,
            "base64": self._base64,
            **dict.fromkeys(("text", "reason", "target", "client", "server", "headers", "waiting"), self._strings),
            **dict.fromkeys(("sse", "verdict"), self._told),
        }

    def line(self, body: bytes) -> bytes:
        """A line without its chain and closing brace; the same object when nothing is masked in it."""
        members = _members(body + b"}")
        masked = {
            name: self._ways[name](bytes(raw)) if name in self._ways else bytes(raw) for name, raw in members.items()
        }
        if all(masked[name] == bytes(raw) for name, raw in members.items()):
            return body
        self.lines += 1
        return b"{" + b",".join(orjson.dumps(name) + b":" + raw for name, raw in masked.items())

    def _json(self, raw: bytes) -> bytes:
        for redactor in self._redactors:
            done = redactor.redact(raw, self._placeholders)
            self._count(done.findings)
            raw = done.raw
        return raw

    def _text(self, text: str) -> str:
        """A text, which may be JSON that could not be embedded."""
        if text.lstrip()[:1] in ("{", "["):
            text = self._json(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
        for redactor in self._redactors:
            text, findings = redactor.redact_text(text, self._placeholders)
            self._count(findings)
        return text

    def _base64(self, raw: bytes) -> bytes:
        came = base64.b64decode(orjson.loads(raw))
        masked = self._text(came.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        return raw if masked == came else orjson.dumps(base64.b64encode(masked).decode())

    def _strings(self, raw: bytes) -> bytes:
        """Every text in a value, names of members apart."""
        return self._respelled(raw, lambda name: True)

    def _told(self, raw: bytes) -> bytes:
        """What an event stream or a rule says in words; ids and names of rules stay."""
        return self._respelled(raw, lambda name: name in ("data", "why"))

    def _respelled(self, raw: bytes, wanted: Callable[[str], bool]) -> bytes:
        value = orjson.loads(raw)
        masked = self._walked(value, wanted, wanted(""))
        return raw if masked == value else orjson.dumps(masked)

    def _walked(self, value: Any, wanted: Callable[[str], bool], is_wanted: bool) -> Any:
        if isinstance(value, str):
            return self._text(value) if is_wanted else value
        if isinstance(value, list):
            return [self._walked(each, wanted, is_wanted) for each in value]
        if isinstance(value, dict):
            return {name: self._walked(each, wanted, wanted(name)) for name, each in value.items()}
        return value

    def _count(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            if finding.placeholder:
                self.found[finding.detector] += 1
            elif finding.detector == _UNFINISHED:
                raise _UnfinishedError
