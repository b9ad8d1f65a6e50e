"""Known faults of the public corpora, and how their readers treat them."""

import json

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.records import InputError
from camvitals.video.write import picture_bytes

h5py = pytest.importorskip("h5py")

GREY = np.full((16, 16, 3), 100, np.uint8)
START_NS = 1_392_643_993_642_815_000


def only(name, folder):
    (take,) = corpus(name).read(folder)
    return take


def times(take):
    with take.pictures() as video:
        return [frame.time for frame in video]


@pytest.mark.parametrize("mark", [",", "  ", " , "])
def test_heartratenet_with_commas_or_spaces(tmp_path, mark):
    place = tmp_path / "ann"
    (place / "images").mkdir(parents=True)
    for k in range(3):
        (place / "images" / f"{k:04d}.bmp").write_bytes(picture_bytes(GREY, "bmp"))
    clock = [f"{k:04d}{mark}{1.6e9 + k / 30:.6f}" for k in range(3)]
    (place / "image_timestamps.csv").write_text("\n".join([f"ID{mark}Time", *clock]))
    rows = [f"{1.6e9 + k / 60:.6f}{mark}{k}" for k in range(6)]
    (place / "ground_truth.csv").write_text("\n".join([f"Time{mark}PulseWaveform", *rows]))
    take = only("heartratenet", tmp_path)
    assert np.allclose(times(take), 1.6e9 + np.arange(3) / 30, atol=1e-5, rtol=0)
    assert take.reference("pulse").values.tolist() == [0, 1, 2, 3, 4, 5]
    rows[3] = rows[2]
    (place / "ground_truth.csv").write_text("\n".join(rows))
    with pytest.raises(InputError, match=r"ground_truth\.csv needs increasing times .* sample 4"):
        take.references()


def test_an_oximeter_that_repeats_itself_and_loses_the_finger(tmp_path):
    place = tmp_path / "DATASET_1" / "after-exercise"
    place.mkdir(parents=True)
    (place / "gtdump.xmp").write_text("0,71,98,10\n16,71,98,11\n16,0,127,12\n33,0,0,13\n")
    take = only("ubfc-rppg-1", tmp_path)
    assert take.subject == "after-exercise" and take.attributes == {"exercise": "after"}
    pulse, rate, spo2 = map(take.reference, ("pulse", "heart_rate", "spo2"))
    assert np.allclose(pulse.time, [0, 0.016, 0.033]) and pulse.values.tolist() == [10, 11, 13]
    assert rate.values[:2].tolist() == [71, 71] and np.isnan(rate.values[2])
    assert spo2.values[:2].tolist() == [98, 98] and np.isnan(spo2.values[2])


def test_ubfc_lines_of_different_lengths(tmp_path):
    (tmp_path / "subject3").mkdir()
    (tmp_path / "subject3" / "ground_truth.txt").write_text("1 2 3\n70 70 70\n0 0.1\n")
    with pytest.raises(InputError, match=r"ground_truth\.txt needs three .* of 3, 3, 2 numbers"):
        only("ubfc-rppg-2", tmp_path).references()


@pytest.mark.parametrize("heading", ["", "1600000000.0\n64.0\n"])
def test_a_wristband_with_and_without_its_heading(tmp_path, heading):
    (tmp_path / "s4").mkdir()
    (tmp_path / "s4" / "bvp_s4_T2.csv").write_text(f"{heading}1.5\n-2\n3\n")
    pulse = only("ubfc-phys", tmp_path).reference("pulse")
    assert pulse.values.tolist() == [1.5, -2, 3]
    assert np.allclose(pulse.time, np.arange(3) / 64)


def pure_folder(folder, *, pictures, named=True, beside=False):
    """Pictures at these 30ths of a second; the notes know 0–4, the oximeter starts at −1/60."""
    place = folder if beside else folder / "05-02"
    images = place / "05-02"
    images.mkdir(parents=True)
    for k in pictures:
        stamp = START_NS + k * 33_333_333
        name = f"Image{stamp}.png" if named else f"{k}.png"
        (images / name).write_bytes(picture_bytes(GREY, "png"))
    shown = {"waveform": 1, "pulseRate": 0, "o2saturation": 97}
    packages = [
        {"Timestamp": START_NS + (k - 1) * 16_666_667, "Value": shown | {"waveform": k}}
        for k in (0, 1, 1, 2)
    ]
    notes = [{"Timestamp": START_NS + k * 33_333_333} for k in range(5)]
    text = json.dumps({"/FullPackage": packages, "/Image": notes})
    (place / "05-02.json").write_text(text)


@pytest.mark.parametrize("beside", [False, True])
def test_a_picture_that_pure_lost_moves_no_other(tmp_path, beside):
    pure_folder(tmp_path, pictures=(1, 2, 4), beside=beside)
    take = only("pure", tmp_path)
    assert (take.subject, take.task, take.attributes) == ("05", "02", {"motion": "talk"})
    assert np.allclose(times(take), np.array([1, 2, 4]) / 30)
    pulse = take.reference("pulse")
    assert np.allclose(pulse.time, np.array([-1, 0, 1]) / 60) and pulse.values.tolist() == [0, 1, 2]
    assert np.isnan(take.reference("heart_rate").values).all()


def test_pure_pictures_without_times_in_their_names(tmp_path):
    pure_folder(tmp_path, pictures=range(5), named=False)
    take = only("pure", tmp_path)
    assert np.allclose(times(take), np.arange(5) / 30)
    next((tmp_path / "05-02" / "05-02").glob("*.png")).unlink()
    with pytest.raises(InputError, match=r"05-02\.json needs a time for each .* 5 for the 4"):
        take.pictures()


def test_pure_notes_that_are_not_as_they_should_be(tmp_path):
    pure_folder(tmp_path, pictures=(0, 1))
    take, path = only("pure", tmp_path), tmp_path / "05-02" / "05-02.json"
    path.write_text('{"/Image": [{"Timestamp": 5}]}')
    with pytest.raises(InputError, match=r"05-02\.json needs rows .* under '/FullPackage'"):
        take.references()
    path.write_text("[1, 2")
    with pytest.raises(InputError, match=r"05-02\.json needs JSON"):
        take.pictures()


def test_cohface_by_its_rate_or_else_by_its_times(tmp_path):
    place = tmp_path / "12" / "2"
    place.mkdir(parents=True)
    with h5py.File(place / "data.hdf5", "w") as file:
        file["pulse"], file["time"] = np.arange(3.0), [0.0, 0.25, 0.5]
    take = only("cohface", tmp_path)
    assert (take.name, take.attributes["light"]) == ("12/2", "natural")
    assert list(take.references()) == ["pulse"]
    assert take.reference("pulse").time.tolist() == [0, 0.25, 0.5]
    with h5py.File(place / "data.hdf5", "a") as file:
        file.attrs["sample-rate-hz"] = 256
    assert take.reference("pulse").time.tolist() == [0, 1 / 256, 2 / 256]


def test_ibvp_quality_is_what_was_judged_by_hand(tmp_path):
    place = tmp_path / "p07_d"
    place.mkdir()
    text = "BVP,SQPhysMD,SQ1,SQ2,Perfusion_Value\n1,.1,.2,.3,4\n5,.1,.2,.9,4\n"
    (place / "p07_d_bvp.csv").write_text(text)
    take = only("ibvp", tmp_path)
    assert (take.subject, take.task, take.attributes["motion"]) == ("p07", "d", "turn")
    assert take.reference("signal_quality").values.tolist() == [0.3, 0.9]
    assert np.allclose(take.reference("pulse").time, [0, 1 / 30])
