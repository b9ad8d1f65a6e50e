"""Chunks of rPPG-Toolbox: their clock, what can be a picture, and whose they are."""

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.records import InputError

RAW = np.full((4, 8, 8, 3), 120.0, np.float32)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "UBFC-rPPG_SizeW8_SizeH8_DataTypeRaw_LabelTypeDiffNormalized_Crop"
    place.mkdir()
    (place / "clock.json").write_text('{"rate_hz": 10}')
    pulse = np.array([0, 1, 3, 2, 2, 5, 4, 1, 0, 0, 1, 2.0])
    steps = np.append(np.diff(pulse), 0)
    for k in range(3):
        np.save(place / f"subject9_input{k}.npy", RAW + k)
        np.save(place / f"subject9_label{k}.npy", steps[4 * k : 4 * k + 4])
    return place


def take_of(folder):
    (take,) = corpus("rppg-toolbox").read(folder.parent)
    return take


def seen(take):
    with take.pictures() as video:
        return [(round(frame.time, 6), int(frame.rgb()[0, 0, 0])) for frame in video]


def test_chunks_of_a_name_follow_one_another(folder):
    take = take_of(folder)
    assert (take.subject, take.roi, take.attributes) == (
        "subject9",
        "skin",
        {"origin": "UBFC-rPPG"},
    )
    pictures = seen(take)
    assert [time for time, _ in pictures] == pytest.approx(np.arange(12) / 10)
    assert [level for _, level in pictures] == [120] * 4 + [121] * 4 + [122] * 4
    assert take.reference("pulse").values.tolist() == [0, 1, 3, 2, 2, 5, 4, 1, 0, 0, 1, 2]


def test_a_missing_chunk_leaves_its_time_empty(folder):
    for kind in ("input", "label"):
        (folder / f"subject9_{kind}1.npy").unlink()
    take = take_of(folder)
    there = np.array([0, 1, 2, 3, 8, 9, 10, 11]) / 10
    assert [time for time, _ in seen(take)] == pytest.approx(there)
    assert take.reference("pulse").time == pytest.approx(there)


def test_without_a_clock_a_take_is_listed_and_says_what_it_needs(folder):
    (folder / "clock.json").unlink()
    take = take_of(folder)
    for opening in (take.pictures, take.references):
        with pytest.raises(InputError, match=r'put clock\.json beside them .* \{"rate_hz": 30\}'):
            opening()
    (folder.parent / "clock.json").write_text('{"rate_hz": 5}')
    assert seen(take)[1][0] == 0.2


@pytest.mark.parametrize(
    "images", [RAW / 60 - 1, RAW / 255, np.concatenate([RAW / 90 - 2, RAW], axis=-1)]
)
def test_differences_and_standardized_pictures_are_no_pictures(folder, images):
    np.save(folder / "subject9_input0.npy", images)
    with pytest.raises(InputError, match=r"input0\.npy needs pictures of 0–255 .* \['Raw'\]"):
        take_of(folder).pictures()


def test_pictures_beside_differences_are_taken(folder):
    for k in range(3):
        both = np.concatenate([RAW + k, RAW / 90 - 2], axis=-1)
        np.save(folder / f"subject9_input{k}.npy", both)
    assert [level for _, level in seen(take_of(folder))][::4] == [120, 121, 122]


def test_labels_whose_kind_is_not_told(folder):
    plain = folder.rename(folder.with_name("chunks"))
    take = take_of(plain)
    with pytest.raises(InputError, match='put "labels": "DiffNormalized"'):
        take.references()
    (plain / "clock.json").write_text('{"rate_hz": 10, "labels": "Raw"}')
    assert take.reference("pulse").values[:4].tolist() == [1, 2, -1, 0]


@pytest.mark.parametrize(
    ("origin", "name", "person"),
    [
        ("PURE", "1002", ("10", "02")),
        ("PURE", "101", ("1", "01")),
        ("UBFC-PHYS", "s12_T3", ("s12", "T3")),
        ("iBVP", "p01b", ("p01", "b")),
        ("UBFC-rPPG", "101", ("101", "")),
    ],
)
def test_short_names_are_taken_apart_so_that_people_are_not_split(tmp_path, origin, name, person):
    place = tmp_path / f"{origin}_SizeW8_SizeH8_LabelTypeRaw_"
    place.mkdir()
    np.save(place / f"{name}_input0.npy", RAW)
    take = take_of(place)
    assert (take.subject, take.task) == person


def test_a_pickle_is_not_opened(folder):
    np.save(folder / "subject9_input0.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(InputError, match=r"input0\.npy needs to be a numpy array"):
        take_of(folder).pictures()
