"""The file of a pin: what is written can be read, and what cannot be read says where."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.policy.actions.lock import Locked, LockError, lock_text, read_lock

PARTS = ["description", "inputSchema", "outputSchema", "annotations", "title"]
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
TOOLS = st.dictionaries(
    st.text(), st.builds(Locked, st.dictionaries(st.sampled_from(PARTS), DIGESTS), st.none() | st.text())
)


@given(TOOLS)
def test_what_is_written_is_read(tools: dict[str, Locked]) -> None:
    content = lock_text(tools)
    assert read_lock(content) == tools
    assert lock_text(read_lock(content)) == content
    assert all(line.isprintable() for line in content.decode().split("\n"))


@given(st.binary())
def test_whatever_stands_there_is_read_or_refused(content: bytes) -> None:
    with suppress(LockError):
        read_lock(content)


SOUND = lock_text({"add": Locked({"title": "a" * 64}), "sub": Locked({"title": "b" * 64}, "x")}).decode()


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        ("", 1, "no JSON: expecting value"),
        (SOUND.replace('"sub":', '"sub"'), 7, "no JSON: expecting ':' delimiter"),
        ("[]", 1, "no object with a member for each tool"),
        ('{\n"add": 1}', 2, "the tool 'add' is no object with `sha256`"),
        ('{\n"add": {"sha256": {}, "x": 1}}', 2, "the tool 'add' is no object with `sha256`"),
        (SOUND.replace("title", "tilte"), 2, "'add' has a digest of 'tilte'"),
        (SOUND.replace("b" * 64, "B" * 64), 7, "the digest of title of 'sub' is no SHA-256"),
        (SOUND.replace('"x"', "7"), 7, "the description of 'sub' is no list of texts"),
        (SOUND.replace('"sub"', '"add"'), 7, '"add" stands there twice'),
        ("[" * 100_000, None, "no JSON"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(content: str, line: int | None, problem: str) -> None:
    with pytest.raises(LockError) as caught:
        read_lock(content.encode())
    assert problem in caught.value.problem
    assert caught.value.line == line


def test_what_is_no_utf_8_says_where() -> None:
    with pytest.raises(LockError, match="no UTF-8") as caught:
        read_lock(b"{\n\n\xff}")
    assert caught.value.line == 3
