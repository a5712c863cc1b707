"""2025-03-26: batches (for this one version), Streamable HTTP, a capability for completions."""

from interpose.core.protocol import v2024_11_05
from interpose.core.protocol.method import Table, but, difference

_OLD = v2024_11_05.TABLE.methods

_CHANGED = (but(_OLD["completion/complete"], gate=("server", "completions")),)

TABLE = Table("2025-03-26", "stateful", difference(_OLD, add=_CHANGED), batches=True)
