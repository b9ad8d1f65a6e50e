from dataclasses import fields, replace

import pytest

from camvitals.evaluate.estimators import ESTIMATORS
from camvitals.evaluate.protocol import ESTIMATORS as TOLD
from camvitals.evaluate.protocol import PROTOCOLS, Protocol, protocol
from camvitals.records import InputError

OTHER = {
    "window": 20.0,
    "step": 1.0,
    "span": (0.0, 30.0),
    "estimator": "peaks",
    "reference": "same",
    "band": (0.5, 3.0),
    "order": 2,
    "detrend": 50.0,
    "covered": 0.5,
    "usable": 0.5,
    "roi": "skin",
    "skin": "none",
    "split": "test",
    "degrade": ("crf-36",),
    "enhance": "0123abcd",
}


def test_everything_but_the_name_moves_the_hash() -> None:
    first = PROTOCOLS["heartratenet"]
    first = replace(first, reference="beats")
    assert set(OTHER) == {field.name for field in fields(Protocol)} - {"name"}
    hashes = {replace(first, **{name: value}).hash for name, value in OTHER.items()}
    assert len(hashes | {first.hash}) == len(OTHER) + 1
    assert replace(first, name="other").hash == first.hash


def test_hash_does_not_change_from_release_to_release() -> None:
    assert PROTOCOLS["rppg-toolbox"].hash.startswith("bc22f493269e")


def test_settings_make_the_protocol_again() -> None:
    for one in PROTOCOLS.values():
        assert Protocol.from_settings(one.settings) == one
    with pytest.raises(InputError, match="exactly its own settings, but see: colour"):
        Protocol.from_settings({**PROTOCOLS["ours"].settings, "colour": 1})


@pytest.mark.parametrize("one", PROTOCOLS.values(), ids=PROTOCOLS)
def test_text_says_what_the_issue_asks_for(one: Protocol) -> None:
    for part in ("Face box:", "Windows:", "Band:", "Rate:", "Reference:", "Split:", "Left out:"):
        assert part in one.text
    assert f"{one.band[0]:g}" in one.text


def test_every_estimator_told_is_there() -> None:
    assert set(TOLD) == set(ESTIMATORS) | {"report"}


def test_another_window_looks_at_the_whole_recording() -> None:
    assert protocol("li2014", window=10.0).span is None
    assert protocol("ours", window=None).window is None
    assert protocol("ours", window=10.0) == PROTOCOLS["ours"]
    with pytest.raises(InputError, match="no protocol 'mine'; choose one of ours"):
        protocol("mine")


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match=r"protocol.window needs seconds > 0 but got -1"):
        replace(PROTOCOLS["ours"], window=-1.0)
    with pytest.raises(InputError, match="a report cannot be made of a contact pulse"):
        replace(PROTOCOLS["ours"], reference="same")


def test_differences_name_what_differs() -> None:
    told = PROTOCOLS["ours"].differences(replace(PROTOCOLS["ours"], split="test", name="x"))
    assert told == ["split  / test"]
