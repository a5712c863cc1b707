"""What a run left in its folder."""

import re
from pathlib import Path

from interpose.core.recording.entry import Entry
from interpose.edge.stores.jsonl import RecordingReader


def sessions(folder: Path) -> list[list[Entry]]:
    """The entries of each recording, in the order in which the sessions were opened. None may be damaged.

    Headers tell milliseconds: of one and the same, the files' numbers tell which was first.
    """
    found = []
    for path in folder.iterdir():
        with RecordingReader(path) as reader:
            number = re.search(r"\.(\d+)\.jsonl$", path.name)
            found.append((reader.header.started, int(number[1]) if number else 1, list(reader)))
            assert reader.problems == []
    return [entries for *_, entries in sorted(found, key=lambda each: each[:2])]
