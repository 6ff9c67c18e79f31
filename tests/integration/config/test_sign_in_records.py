"""What the audit says about sign-ins, failures, codes and sign-outs, and from where they came."""

import threading

import pytest
from django.db import connection
from django.test import Client

from config.platform.accounts import lockout
from config.platform.accounts.models import SignInAttempt, User
from config.platform.audit.models import AuditEntry
from tests.conftest import PASSWORD
from tests.integration.config.test_second_factor import CODE, past_the_password, set_up
from tests.support.authenticator import code

DOOR = "/accounts/sign-in/"
OWNER, STRANGER = "192.0.2.1", "198.51.100.7"


def sign_in(client: Client, password: str = PASSWORD, *, username: str = "alice", address: str = OWNER) -> bool:
    """Whether the sign-in succeeded."""
    posted = {"username": username, "password": password}
    return client.post(DOOR, posted, REMOTE_ADDR=address).status_code == 302


def recorded() -> list[tuple[str, str, str]]:
    entries = AuditEntry.objects.order_by("id")
    return [(entry.action, entry.target_name, entry.from_address) for entry in entries]


def test_sign_ins_failures_and_sign_outs_are_recorded_with_their_origin(alice: User) -> None:
    client = Client()
    sign_in(client, "wrong", address=STRANGER)
    sign_in(client)
    client.post("/accounts/sign-out/", REMOTE_ADDR=OWNER)
    assert recorded() == [
        ("sign-in failed", "Alice Adams", STRANGER),
        ("signed in", "Alice Adams", OWNER),
        ("signed out", "Alice Adams", OWNER),
    ]
    assert set(AuditEntry.objects.values_list("target_kind", flat=True)) == {"user"}


def test_a_wrong_code_is_recorded_and_so_is_the_second_factor_of_a_sign_in(alice_client: Client) -> None:
    secret = set_up(alice_client)
    client = past_the_password("alice")
    client.post(CODE, {"code": "000000"})
    client.post(CODE, {"code": code(secret, steps=1)})
    wrong, signed_in = AuditEntry.objects.order_by("id")[1:]
    assert (wrong.action, wrong.target_name) == ("wrong code", "Alice Adams")
    assert signed_in.changes == {"by": [None, "password"], "second_factor": [None, True]}


def test_what_was_typed_as_an_unknown_name_is_not_kept(alice: User) -> None:
    sign_in(Client(), "wrong", username="my-own-password")
    assert recorded() == [("sign-in failed", "an unknown name", OWNER)]
    assert "my-own-password" not in str(AuditEntry.objects.values_list())


def test_a_wrong_password_at_a_confirmation_is_recorded(alice_client: Client) -> None:
    alice_client.post("/accounts/again/", {"password": "wrong"})
    alice_client.post("/accounts/password/", {"present": "wrong", "password": "another-long-one"})
    assert [action for action, _name, _address in recorded()] == ["wrong password", "wrong password"]


def test_the_record_can_be_filtered_by_failed_sign_ins(alice_client: Client, alice: User) -> None:
    sign_in(Client(), "wrong", address=STRANGER)
    page = alice_client.get("/admin/audit/?kind=user&action=sign-in+failed").content.decode()
    assert "Sign-in failed" in page
    assert STRANGER in page


def test_a_stranger_cannot_lock_a_name_for_its_owner(alice: User) -> None:
    for _ in range(lockout.MOST_PER_NAME + 1):
        sign_in(Client(), "wrong", address=STRANGER)
    assert not sign_in(Client(), address=STRANGER)
    assert sign_in(Client(), address=OWNER)


def test_a_known_device_goes_on_behind_a_locked_address(alice: User) -> None:
    known = Client()
    assert sign_in(known)
    known.post("/accounts/sign-out/")
    for _ in range(lockout.MOST_PER_NAME):
        sign_in(Client(), "wrong")
    assert not sign_in(Client())
    assert sign_in(known)


def test_a_known_device_has_a_limit_of_its_own(alice: User) -> None:
    known = Client()
    sign_in(known)
    known.post("/accounts/sign-out/")
    for _ in range(lockout.MOST_PER_NAME):
        sign_in(known, "wrong")
    assert not sign_in(known)
    assert sign_in(Client())


def test_a_known_device_is_known_for_its_person_only(alice: User, bob: User) -> None:
    known = Client()
    sign_in(known)
    known.post("/accounts/sign-out/")
    for _ in range(lockout.MOST_PER_NAME):
        sign_in(Client(), "wrong", username="bob")
    assert not sign_in(known, username="bob")


def test_a_forged_device_cookie_is_ignored(alice: User) -> None:
    client = Client()
    client.cookies["segment_exports_device"] = "e30:forged:forged"
    assert not sign_in(client, "wrong")
    assert SignInAttempt.objects.get().device == ""


def test_addresses_of_one_ipv6_network_share_a_counter() -> None:
    assert lockout.network_of("2001:db8:1:2:3::4") == lockout.network_of("2001:db8:1:2:ffff::1")
    assert lockout.network_of("::ffff:192.0.2.1") == "192.0.2.1"


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_are_no_more_than_the_limit(alice: User) -> None:
    together, judged, locked = threading.Barrier(16), [], []

    def guess() -> None:
        together.wait()
        try:
            with lockout.attempt("alice", STRANGER):
                judged.append(1)
        except lockout.Locked:
            locked.append(1)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(judged), len(locked)) == (lockout.MOST_PER_NAME, 16 - lockout.MOST_PER_NAME)
