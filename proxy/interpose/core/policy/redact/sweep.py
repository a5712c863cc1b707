"""One pass over one message: find, keep what may be masked where it stands, write."""

import re
from dataclasses import replace
from functools import cached_property
from itertools import chain

from interpose.core.policy.redact import tokens
from interpose.core.policy.redact.blocks import Crossing, are_neighbours, crossings, has_blocks
from interpose.core.policy.redact.choice import Choice
from interpose.core.policy.redact.detectors import BY_KEY
from interpose.core.policy.redact.forms import Forms
from interpose.core.policy.redact.masking import Finding, Masker
from interpose.core.policy.redact.pattern import Pattern
from interpose.core.policy.redact.scanner import Scanner
from interpose.core.policy.redact.surface import Edit, Hit, Inner, Space, splice
from interpose.core.policy.redact.tokens import Leaf, Path
from interpose.core.policy.redact.wrapping import as_base64, is_in_binary, is_text, unescaped, unwrapped_base64
from interpose.core.policy.redact.zones import Place, place

_ZERO = b"0"
_FILE = b"file:///"
_is_base64 = re.compile(rb"[A-Za-z0-9+/_-]{1024,}={0,2}").fullmatch  # shorter ones are looked at as text too


class Sweep:
    """`findings` say what was masked; `is_unsettled` that what was written shows something new to mask."""

    def __init__(self, raw: bytes, scanner: Scanner, choice: Choice, masker: Masker) -> None:
        self._raw, self._scanner, self._choice, self._masker = raw, scanner, choice, masker
        self._parts: list[bytes] = []
        self._spaces: dict[int, Space] = {}  # by part
        self._hidden: dict[int, tuple[Leaf, Space]] = {}  # by where the string begins
        self._numbers: dict[int, tuple[Leaf, Pattern]] = {}
        self._renamed: dict[str, str] = {}
        self._written: list[bytes] = []
        self.findings: list[Finding] = []

    def run(self) -> bytes:
        choosing, joining = self._choice.may_choose(self._raw), has_blocks(self._raw)
        if not choosing and not joining and self._scanner.is_plain(self._raw):
            return self._raw
        self._parts = tokens.parts(self._raw)
        scan = self._scanner.scan(self._parts)
        if not scan.complete:
            self.findings.append(Finding("$", "unfinished", ""))
        self._spaces = scan.spaces
        crossed = crossings(self._parts, scan.spaces, self._scanner) if joining else []
        if not self._spaces and not crossed and not choosing:
            return self._raw
        self._locate(crossed, choosing)
        return self._write() if self._hidden or self._numbers else self._raw

    @property
    def is_unsettled(self) -> bool:
        return bool(self._written) and bool(self._scanner.scan(self._written).spaces)

    def _locate(self, crossed: list[Crossing], choosing: bool) -> None:
        """Where the parts with something in them stand, and which of it is to be masked."""
        wanted = sorted({*self._spaces, *chain.from_iterable(crossing.parts for crossing in crossed)})
        starts = tokens.spans(self._raw) if wanted else []
        part_at = {starts[part][0]: part for part in wanted}
        leaves: dict[int, Leaf] = {}
        for leaf in tokens.leaves(self._raw, None if choosing else list(part_at)):
            if leaf.start in part_at:
                leaves[part_at[leaf.start]] = leaf
            if choosing and not leaf.is_key:
                self._choose(leaf)
        self._join(crossed, leaves)
        for part, space in self._spaces.items():
            if part in leaves and leaves[part].start not in self._hidden:
                self._keep(leaves[part], space)

    def _join(self, crossed: list[Crossing], leaves: dict[int, Leaf]) -> None:
        """Take over what crosses a border, where there is one array on both of its sides."""
        for crossing in crossed:
            paths = [leaves[part].path for part in crossing.parts if part in leaves]
            if len(paths) == len(crossing.parts) and are_neighbours(paths):
                for part, hit in crossing.hits:
                    self._spaces.setdefault(part, Space(self._parts[part][1:-1])).hits.append(hit)

    def _keep(self, leaf: Leaf, space: Space) -> None:
        """Of what was found in a string, keep what may be masked there."""
        where = self._place(leaf)
        if where in (Place.FIXED, Place.REFERENCE):
            return
        if where is Place.LINK:
            space.hits = [hit for hit in space.hits if hit.pattern.kind == "secret"]
        if where is Place.ROOT:
            _spare_scheme(space)
        if where is Place.BINARY:
            if _is_base64(space.text):
                space.hits = []
            space.inner = space.inner if is_text(space.text) else []
        space.hits = [hit for hit in space.hits if hit.name_at < 0 or self._is_named(leaf.path, hit.name_at)]
        without_binary(space)
        if not space.is_clean():
            self._hidden[leaf.start] = (leaf, space)

    @cached_property
    def _forms(self) -> Forms:
        return Forms(self._raw, self._parts)

    def _place(self, leaf: Leaf) -> Place:
        return Place.OPEN if self._forms.hold(leaf.path) else place(leaf.path, leaf.is_key)

    def _is_named(self, path: Path, name_at: int) -> bool:
        name = self._parts[name_at]
        return name[1 : name.rindex(b'"')].decode("utf-8", "replace") in path[-2:]

    def _choose(self, leaf: Leaf) -> None:
        """Mask a leaf that a path or a name chose, or what a name chose in the JSON that it carries."""
        first = self._raw[leaf.start : leaf.start + 1]
        pattern = self._choice.chooses(leaf.path)
        if pattern is None:
            if first == b'"':
                self._choose_inside(leaf)
            return
        where = self._place(leaf)
        if where is Place.FIXED:
            return
        if first == b'"':
            text = tokens.text(self._raw[leaf.start : leaf.end])
            space = self._whole(text, pattern, where)
            if space:
                self._hidden[leaf.start] = (leaf, space)
        elif tokens.is_number(first) and self._raw[leaf.start : leaf.end] != _ZERO:
            self._numbers[leaf.start] = (leaf, pattern)

    def _whole(self, text: bytes, pattern: Pattern, where: Place) -> Space | None:
        """A string that is masked from end to end; None when it is already, or is empty."""
        wrapped = where is Place.BINARY
        kept = _scheme(text) if where in (Place.ROOT, Place.REFERENCE) else 0
        chosen = text[kept:]
        if not chosen or self._scanner.is_placeholder(unwrapped_base64(chosen) if wrapped else chosen):
            return None
        inner = Space(text, [Hit(kept, len(text), pattern, chosen)])
        return Space(text, inner=[Inner(0, len(text), inner, as_base64)]) if wrapped else inner

    def _choose_inside(self, leaf: Leaf) -> None:
        quoted = self._raw[leaf.start : leaf.end]
        if quoted[1:].lstrip()[:1] not in (b"{", b"[") or self._place(leaf) is not Place.OPEN:
            return
        text = tokens.text(quoted)
        if not self._choice.may_choose_key(text) or not tokens.is_readable(text):
            return
        hits = [hit for inner in tokens.leaves(text) if not inner.is_key for hit in self._named_inside(text, inner)]
        if hits:
            self._hidden[leaf.start] = (leaf, Space(text, hits))

    def _named_inside(self, text: bytes, leaf: Leaf) -> list[Hit]:
        if not self._choice.names(leaf.path):
            return []
        value = text[leaf.start : leaf.end]
        if value[:1] == b'"':
            plain = tokens.text(value)
            known = not plain or self._scanner.is_placeholder(plain)
            return [] if known else [Hit(leaf.start + 1, leaf.end - 1, BY_KEY, plain)]
        number = tokens.is_number(value) and value != _ZERO
        return [Hit(leaf.start, leaf.end, BY_KEY, value, literal=_ZERO)] if number else []

    def _write(self) -> bytes:
        edits: list[Edit] = []
        for start in sorted({*self._hidden, *self._numbers}):
            if start in self._numbers:
                leaf, pattern = self._numbers[start]
                self._masker.note(pattern, _ZERO.decode())
                edits.append((leaf.start, leaf.end, _ZERO))
            else:
                leaf, space = self._hidden[start]
                edits += self._string_edits(leaf, space)
            self._report(leaf)
        return splice(self._raw, edits)

    def _string_edits(self, leaf: Leaf, space: Space) -> list[Edit]:
        edits = self._masker.edits(space)
        written = splice(space.text, edits)
        self._written.append(b'"' + written + b'"')
        if leaf.is_key:
            self._renamed[space.text.decode("utf-8", "replace")] = written.decode("utf-8", "replace")
        inside = self._raw[leaf.start + 1 : leaf.end - 1]
        if b"\\" in inside:
            way = unescaped(inside)
            edits = [(*way.origin(start, end), new) for start, end, new in edits]
        begin = leaf.start + 1
        return [(begin + start, begin + end, new) for start, end, new in edits]

    def _report(self, leaf: Leaf) -> None:
        path = tuple(self._renamed.get(part, part) if isinstance(part, str) else part for part in leaf.path)
        self.findings += [Finding(tokens.path_text(path), *noted) for noted in self._masker.noted]
        self._masker.noted.clear()


def without_binary(space: Space) -> None:
    """Leave what a piece of an archive or an image seems to say."""
    for inner in space.inner:
        without_binary(inner.space)
    space.inner = [inner for inner in space.inner if not inner.space.is_clean() and not is_in_binary(space.text, inner)]


def _scheme(uri: bytes) -> int:
    """How much of a uri has to stay so that it is one of a file still."""
    return len(_FILE) if uri[: len(_FILE)].lower() == _FILE else 0


def _spare_scheme(space: Space) -> None:
    """Leave the beginning of a root's uri; all of it when it is no file's, or spelled so that nobody can tell."""
    kept = _scheme(space.text) or len(space.text)
    space.inner = [inner for inner in space.inner if inner.start >= kept]
    space.hits = [replace(hit, start=max(hit.start, kept)) for hit in space.hits if hit.end > kept]
