"""A stored secret that was changed is not decrypted."""

import base64

import pytest

from config.platform.encryption import keyring


@pytest.mark.parametrize("place", [0, 5, 12, 30, -1], ids=["version", "time", "IV", "ciphertext", "MAC"])
def test_a_changed_secret_is_refused(place: int) -> None:
    key_id, _colon, token = keyring.encrypt(b"a secret of some length").partition(":")
    raw = bytearray(base64.urlsafe_b64decode(token))
    raw[place] ^= 1
    with pytest.raises(keyring.CannotDecrypt):
        keyring.decrypt(f"{key_id}:{base64.urlsafe_b64encode(raw).decode()}")


def test_a_secret_under_the_name_of_another_key_is_refused() -> None:
    _key_id, _colon, token = keyring.encrypt(b"a secret").partition(":")
    with pytest.raises(keyring.CannotDecrypt):
        keyring.decrypt(f"another:{token}")
