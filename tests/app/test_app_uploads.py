"""A body written to a file as it comes."""

import asyncio

import pytest

from camvitals.app import uploads
from camvitals.app.refusal import Refused
from camvitals.app.settings import Limits
from camvitals.app.uploads import receive


async def pieces(*parts, pause=0.0):
    for part in parts:
        yield part
        await asyncio.sleep(pause)


def received(body, path, *, length=None, **limits):
    headers = {} if length is None else {"content-length": str(length)}
    return asyncio.run(receive(body, path, headers=headers, limits=Limits(**limits)))


def refused(*words, **more):
    with pytest.raises(Refused) as told:
        received(*words, **more)
    return told.value


def test_pieces_become_a_file(tmp_path):
    path = tmp_path / "upload"
    assert received(pieces(b"ab", b"", b"c"), path) == 3
    assert path.read_bytes() == b"abc"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("parts", "pause", "limits", "code"),
    [
        ([], 0, {}, "empty"),
        ([b""], 0, {}, "empty"),
        ([bytes(600)] * 2, 0, {"upload_mb": 0.001}, "too_large"),
        ([b"x"], 0, {"length": 10**9}, "too_large"),
        ([b"x"] * 2, 0.5, {"stall_s": 0.05}, "too_slow"),
        ([b"x"] * 50, 0.02, {"stall_s": 0.1}, "too_slow"),
        ([bytes(9000)] * 50, 0.02, {"upload_s": 0.2}, "too_slow"),
    ],
)
def test_what_is_refused_leaves_nothing(tmp_path, parts, pause, limits, code):
    told = refused(pieces(*parts, pause=pause), tmp_path / "upload", **limits)
    assert told.code == code
    assert list(tmp_path.iterdir()) == []


def test_a_claim_is_no_number(tmp_path):
    assert received(pieces(b"x"), tmp_path / "upload", length="lots") == 1


@pytest.mark.parametrize(("number", "code"), [(28, "storage_full"), (5, "internal")])
def test_a_disk_that_will_not_have_it(tmp_path, monkeypatch, number, code):
    async def write(*_, **__):
        raise OSError(number, "as the system says")

    monkeypatch.setattr(uploads, "_write", write)
    assert refused(pieces(b"x"), tmp_path / "upload").code == code
