"""Which answers ask for a sign-in by OAuth."""

import pytest

from interpose.core.protocol.sign_in import wants_sign_in

METADATA = 'resource_metadata="https://a.test/.well-known/oauth-protected-resource"'


@pytest.mark.parametrize(
    "challenge",
    [
        f"Bearer {METADATA}",
        f'Bearer realm="a", error="invalid_token", {METADATA}',
        f'Bearer realm="a",{METADATA}',
        "bearer Resource_Metadata = https://a.test",
    ],
)
def test_a_challenge_with_metadata_does(challenge: str) -> None:
    assert wants_sign_in(401, [challenge])
    assert wants_sign_in(401, ['Basic realm="x"', challenge])
    assert not wants_sign_in(403, [challenge])
    assert not wants_sign_in(200, [challenge])


@pytest.mark.parametrize("challenge", ["Bearer", 'Basic realm="a"', 'Bearer x_resource_metadata="a"', ""])
def test_any_other_does_not(challenge: str) -> None:
    assert not wants_sign_in(401, [challenge])
    assert not wants_sign_in(401, [])
