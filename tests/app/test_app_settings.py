"""How the server is set up; names, buckets, and who may come in."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camvitals import InputError
from camvitals.app.auth import Gate
from camvitals.app.buckets import MOST, Buckets, address_of
from camvitals.app.names import is_identity, safe_name
from camvitals.app.refusal import STATUS, Refused
from camvitals.app.settings import Limits, Settings, is_loopback, usual_folder

TOKEN = "a-good-token-of-24-chars"


def test_limits_by_words():
    limits = Limits().with_words(["sockets=3", "upload_mb=0.5"])
    assert (limits.sockets, limits.upload_mb) == (3, 0.5)
    assert limits.jobs == Limits().jobs


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("speed=3", "no limit 'speed'; choose one of upload_mb"),
        ("sockets=1.5", "needs a whole number but got '1.5'; as in sockets=64"),
        ("sockets", "needs a whole number but got ''"),
        ("sockets=0", "needs a number > 0 but got 0"),
        ("upload_mb=nan", "needs a number > 0 but got nan"),
        ("upload_mb=inf", "needs a number > 0 but got inf"),
    ],
)
def test_wrong_limits_are_refused(word, told):
    with pytest.raises(InputError, match=re.escape(told)):
        Limits().with_words([word])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.4", "myhost.example"])
def test_others_are_served_only_with_a_token(tmp_path, host):
    with pytest.raises(InputError, match="lets others in, which needs a token"):
        Settings(tmp_path, host=host)
    assert Settings(tmp_path, host=host, token=TOKEN).token == TOKEN


@pytest.mark.parametrize("token", ["short", "spaces are not for tokens", "ünïcödé-tokens-too"])
def test_tokens_that_are_none(tmp_path, token):
    with pytest.raises(InputError, match="a token needs 16 to 200 letters"):
        Settings(tmp_path, token=token)


def test_ports_and_places(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="a port needs 0 to 65535"):
        Settings(tmp_path, port=70_000)
    assert Settings(tmp_path).url == f"sqlite:///{tmp_path}/camvitals.db"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert usual_folder() == tmp_path / "camvitals"


def test_loopback():
    names = ["127.0.0.1", "127.8.0.1", "::1", "[::1]", "localhost", "LOCALHOST"]
    assert all(map(is_loopback, names))
    assert not any(map(is_loopback, ["10.0.0.1", "localhost.example", "", "::", "0.0.0.0"]))


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("/absolute/clip.mp4", "clip.mp4"),
        ("..", "video"),
        ("", "video"),
        ("a\x00b\r\nSet-Cookie: x.mp4", "abSet-Cookie: x.mp4"),
        ("\u202egnp.exe", "gnp.exe"),
        (".hidden", "hidden"),
        ("C:clip.mp4", "C:clip.mp4"),
        ("x" * 300 + ".mp4", "x" * 116 + ".mp4"),
        ("\ud800clip.mp4", "clip.mp4"),
    ],
)
def test_names_without_tricks(given_name, safe):
    assert safe_name(given_name) == safe


@given(st.text())
def test_any_name_becomes_one_that_can_be_shown(text):
    name = safe_name(text)
    assert 1 <= len(name) <= 120
    assert name.isprintable()
    assert not set(name) & {"/", "\\", "\0"}
    assert name not in {".", ".."}
    name.encode()


def test_identities():
    assert is_identity("0123456789abcdef" * 2)
    for text in ("../" + "a" * 29, "a" * 31, "A" * 32, "a" * 32 + "\n", ""):
        assert not is_identity(text)


def test_buckets_fill_again_and_forget():
    now = [0.0]
    buckets = Buckets(6, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(8)] == [True] * 6 + [False] * 2
    assert buckets.take("b")
    assert buckets.wait_s("a") == pytest.approx(10)
    now[0] = 10.0
    assert [buckets.take("a"), buckets.take("a")] == [True, False]
    for k in range(MOST + 5):
        buckets.take(f"{k}")
    assert buckets.left("b") == 6  # forgotten
    assert [Buckets(600, burst=2, clock=lambda: 0.0).take("x") for _ in range(1)] == [True]


def test_one_household_is_one_visitor():
    assert (
        address_of("2001:db8:1:2:3:4:5:6") == address_of("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    )
    assert address_of("::ffff:10.0.0.1") == address_of("10.0.0.1") == "10.0.0.1"
    assert address_of(None) == ""


def gate(tmp_path, **more):
    return Gate(Settings(tmp_path, **more))


def refused(call, *words):
    with pytest.raises(Refused) as told:
        call(*words)
    return told.value


def test_without_a_token_only_this_computer_is_answered(tmp_path):
    own = gate(tmp_path)
    for host in ("127.0.0.1:8000", "localhost", "[::1]:8000"):
        own.check_request("x", {"host": host})
    for host in ("evil.example:8000", "", "127.0.0.1.evil.example", "[::1"):
        assert refused(own.check_request, "x", {"host": host}).code == "forbidden_host"
    gate(tmp_path, token=TOKEN).check_request("x", {"host": "vitals.example"})


def test_only_the_own_page_may_ask(tmp_path):
    own = gate(tmp_path)
    own.check_request("x", {"host": "localhost:8000", "origin": "http://localhost:8000"})
    for origin in ("null", "http://localhost:9000", "https://evil.example", "file://"):
        headers = {"host": "localhost:8000", "origin": origin}
        assert refused(own.check_request, "x", headers).code == "forbidden_origin"


def test_wrong_tokens_are_counted(tmp_path):
    own = gate(tmp_path, token=TOKEN, limits=Limits(wrong_tokens_per_minute=3))
    own.check_token("x", TOKEN)
    assert refused(own.check_token, "x", None).code == "wrong_token"
    for wrong in (TOKEN[:-1], TOKEN + "x", "\u00e9\ud800"):
        assert refused(own.check_token, "x", wrong).code == "wrong_token"
    late = refused(own.check_token, "x", TOKEN)
    assert (late.code, late.status) == ("too_many_requests", 429)
    assert int(late.headers["Retry-After"]) == 20
    own.check_token("y", TOKEN)


def test_too_many_requests(tmp_path):
    own = gate(tmp_path, limits=Limits(requests_per_minute=2))
    headers = {"host": "localhost"}
    own.check_request("x", headers)
    own.check_request("x", headers)
    assert refused(own.check_request, "x", headers).status == 429
    own.check_request("y", headers)


def test_every_code_has_a_status():
    for code, status in STATUS.items():
        told = Refused(code, "why")
        assert told.status == status
        assert told.body == {"code": code, "message": "why"}
