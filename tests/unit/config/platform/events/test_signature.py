"""Signatures are those of Standard Webhooks."""

import base64

from config.platform.events import signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
# By version 1.1.0 of the package standardwebhooks.
EXPECTED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_signature_is_that_of_the_reference_package() -> None:
    headers = signature.signed_headers(*MESSAGE, [SECRET])
    assert headers["webhook-signature"] == EXPECTED
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (MESSAGE[0], str(MESSAGE[1]))


def test_two_secrets_make_two_signatures() -> None:
    first, second = signature.signed_headers(*MESSAGE, [signature.new_secret(), SECRET])[
        "webhook-signature"
    ].split()
    assert second == EXPECTED != first


def test_a_secret_has_256_random_bits() -> None:
    secret = signature.new_secret()
    assert secret != signature.new_secret()
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
