"""The keys of logins."""

from soundstage.wiring.loginkeys import LoginKeys


def test_a_key_is_of_one_login_and_of_one_installation() -> None:
    keys = LoginKeys(b"k" * 32)
    key_id, secret = keys.key_of("login-1")
    assert keys.login_of(key_id) == "login-1"
    assert keys.login_of("AKIAXXXXXXXXXXXXXXXX") is None
    assert LoginKeys(b"k" * 32).key_of("login-1") == (key_id, secret)
    assert keys.key_of("login-2")[1] != secret
    assert LoginKeys(b"l" * 32).key_of("login-1")[1] != secret
