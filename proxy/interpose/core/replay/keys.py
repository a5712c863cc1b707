"""The numbers under which messages that compare equal are found."""

from hashlib import blake2b


def number_of(digest: bytes) -> int:
    """The first 8 bytes of a digest as a number."""
    return int.from_bytes(digest[:8], "little")


def task_number(task: str) -> int:
    """What keeps apart what is asked about different tasks, whose ids do not count otherwise."""
    return number_of(blake2b(task.encode("utf-8", "replace"), digest_size=8).digest())
