"""What people are told of a server behind a reverse proxy that wants a sign-in."""

from interpose.edge.sign_in import SignIn

CHALLENGE = ['Bearer resource_metadata="https://a.test/.well-known/oauth-protected-resource"']


def test_people_are_told_once() -> None:
    said: list[str] = []
    sign_in = SignIn("http://a.test", said.append)
    for status, challenges in ((200, []), (401, []), (401, CHALLENGE), (401, CHALLENGE)):
        sign_in.see(status, challenges)
    [told] = said
    assert told.startswith("http://a.test wants a sign-in: ")
    assert "`interpose intercept`" in told
