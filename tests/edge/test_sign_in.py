"""What people are told of a server behind a reverse proxy that wants a sign-in."""

from pathlib import Path

import pytest
from tests.edge.relay_world import PING, post, relaying, reply

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


@pytest.mark.anyio
async def test_a_relay_tells_once_and_passes_the_answer_untouched(tmp_path: Path) -> None:
    answer = reply("401 Unauthorized", f"WWW-Authenticate: {CHALLENGE[0]}", body=b"sign in")
    async with relaying(tmp_path, alarm="wants a sign-in") as ends:
        client, server, _ = await ends.exchange(post(PING), answer)
        assert b"".join(await client.message()) == answer
        await client.say(post(PING))
        await server.message()
        await server.say(answer)
        assert b"".join(await client.message()) == answer
