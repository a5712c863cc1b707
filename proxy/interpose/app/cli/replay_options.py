"""The options of a replay from disk: the file that was named, or the one that stands beside the recording."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from interpose.app.texts import TextFault, read_text
from interpose.core.errors import UsageError
from interpose.core.policy.jsonpath import PathError
from interpose.core.replay.options import Options, OptionsError, beside, read_options, scoped

_MOST = 1 << 20


def read(path: str) -> Options:
    """The options in a file. Raises: OptionsError for its contents, UsageError for a file that cannot be read."""
    try:
        text = read_text(path, _MOST, "no options are")
    except TextFault as fault:
        raise OptionsError(path, fault.line, fault.problem) from None
    return read_options(text, path)


def of(recording: str, path: str | None = None, ignore: Sequence[str] = ()) -> tuple[Options, str | None]:
    """The options for a recording, with paths ignored on the command line; and the file they are from, if any.

    Raises: OptionsError, UsageError.
    """
    if path is None and Path(beside(recording)).is_file():
        path = beside(recording)
    options = Options() if path is None else read(path)
    for each in ignore:
        try:
            scoped(each)
        except PathError as error:
            raise UsageError(f"--ignore: {error}") from None
    return msgspec.structs.replace(options, ignore=(*options.ignore, *ignore)), path
