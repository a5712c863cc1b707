"""Tells people, once, that a server behind a plain reverse proxy wants a sign-in that will not work there."""

from collections.abc import Callable, Iterable

from interpose.core.protocol.sign_in import ADVICE, wants_sign_in


class SignIn:
    """Watches answers. `server` is what people know it by."""

    def __init__(self, server: str, say: Callable[[str], None]) -> None:
        self._server = server
        self._say = say
        self._said = False

    def see(self, status: int, challenges: Iterable[str]) -> None:
        """An answer's status and the values of its `WWW-Authenticate`."""
        if not self._said and wants_sign_in(status, challenges):
            self._said = True
            self._say(f"{self._server} wants a sign-in: {ADVICE}")
