"""What clients in recordings never said they can do, and whether their servers asked for it all the same."""

from collections.abc import Iterator
from pathlib import Path

from interpose.core.session.session import Session
from interpose.core.wiring.checking import Finding
from interpose.edge.stores.jsonl import RecordingReader

_CAPABILITIES = ("sampling", "elicitation", "roots")


def undeclared(path: Path) -> Iterator[Finding]:
    """Findings about one recording. Raises: RecordingError."""
    session = Session()
    asked: set[str] = set()
    with RecordingReader(path) as reader:
        name = str(reader.header.server.get("name", path.name))
        for entry in reader:
            event = entry.event()
            if event is not None:
                asked |= {ask.kind for sighting in session.see(entry.seq, event) for ask in sighting.asks}
    declared = session.opening.client_capabilities
    if declared is None:
        yield Finding(name, "note", f"{path.name}: the client never said what it can do")
        return
    client = session.opening.client.name if session.opening.client is not None else "the client"
    for each in _CAPABILITIES:
        if not declared.declares((each,)):
            if each in asked:
                yield Finding(name, "wrong", f"{path.name}: asks for {each}, which {client} never declared")
            else:
                yield Finding(name, "note", f"{path.name}: {client} never declared {each}")
