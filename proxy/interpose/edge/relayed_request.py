"""What a client asks in a relayed exchange, on its way to the server: its headers say what its body says."""

from interpose.core.events import Frame
from interpose.core.wire.message import Message
from interpose.edge.heads import raw
from interpose.edge.transports.exchange import Exchange
from interpose.edge.transports.http_client_request import Refusal
from interpose.edge.transports.mirroring import mirrored_params, plainly, remirrored
from interpose.edge.transports.raw_headers import RawHeaders
from interpose.edge.transports.sending import Sending
from interpose.edge.transports.upstream import Upstream
from interpose.edge.unfit import unfit


class RelayedRequest:
    """`refused` says why it is turned away; `withheld`, that nothing of it goes on before somebody decides.

    `size` is that of the body that came, in bytes.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.size = 0
        self.refused: Refusal | None = None
        self.withheld = False
        self._exchange = exchange
        self._headers: RawHeaders = exchange.request.raw_headers
        self._asked: Frame | None = None  # until it is on its way

    def prepare(self, message: Message | None) -> None:
        """Before a message is judged: have the answer come in a form that can be."""
        if message is not None:
            self._exchange.params = mirrored_params(self._headers, message)
        self._headers = plainly(self._headers)

    def review(self, frame: Frame) -> None:
        """See what became of it: its headers go with what is sent, and nothing is sent that was not read."""
        self._asked = frame
        self.refused = unfit(self._exchange.request, frame.message)
        self.withheld = self.refused is not None or not self._exchange.upstream
        self.mirror()

    def mirror(self) -> None:
        """Let the headers say what is sent, where that is not what came."""
        for sent in self._exchange.upstream:
            if self._asked is not None and sent.raw is not self._asked.raw and sent.message is not None:
                self._headers = remirrored(self._headers, self._exchange.params, sent.message)

    def send(self, upstream: Upstream, target: str) -> Sending:
        """Raises UPSTREAM_ERRORS."""
        self._asked = None
        body, over = self._exchange.take()
        resized = len(body) != self.size
        return upstream.send(self._exchange.request.method, raw(target), self._headers, body, over, resized=resized)
