"""One HTTP exchange as another tool kept it: what all file formats are read into."""

from urllib.parse import urlsplit

import msgspec

from interpose.core.events import Headers


class Exchange(msgspec.Struct, frozen=True):
    """An exchange with its whole bodies. Times are seconds since 1970; None where the file does not tell.

    `asked` is when the request was whole, `answered` when the answer began. `status` is None where no answer came,
    `fault` says why an exchange broke off. A body that was there and was not kept is None. `plain` says that bodies
    are without the content coding that the headers name. `connection` and `peer` tell clients apart, where known.
    `events_at` is when each event of a stream came, where the file tells it.
    """

    url: str
    method: str
    headers: Headers
    body: bytes | None
    asked: float
    status: int | None = None
    answer_headers: Headers = ()
    answer_body: bytes | None = b""
    answered: float | None = None
    ended: float | None = None
    fault: str = ""
    plain: bool = False
    connection: str = ""
    peer: str = ""
    events_at: tuple[float, ...] = ()

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def path(self) -> str:
        return urlsplit(self.url).path or "/"

    @property
    def answer_began(self) -> float:
        """When the answer began, as far as known, and never before the request was whole."""
        return self.asked if self.answered is None else max(self.asked, self.answered)

    @property
    def answer_ended(self) -> float:
        return self.answer_began if self.ended is None else max(self.answer_began, self.ended)

    @property
    def target(self) -> str:
        """Path and query."""
        query = urlsplit(self.url).query
        return f"{self.path}?{query}" if query else self.path


class Capture(msgspec.Struct, frozen=True):
    """A file that was read: what it is, in words, its HTTP exchanges, and how much in it is no HTTP."""

    source: str
    exchanges: list[Exchange]
    others: int = 0


def header(headers: Headers, name: str) -> str | None:
    """The first header of a name, in any spelling."""
    return next((value for each, value in headers if each.lower() == name.lower()), None)
