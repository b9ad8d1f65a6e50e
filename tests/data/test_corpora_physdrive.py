"""PhysDrive: labels for each picture, names that tell the drive."""

import numpy as np
from scipy.io import savemat

from camvitals.data.corpora import corpus
from camvitals.video import write_images


def test_value_k_belongs_to_picture_k_also_of_single_pictures(tmp_path):
    labels = tmp_path / "AMH1" / "B2" / "Label"
    labels.mkdir(parents=True)
    savemat(labels / "BVP.mat", {"BVP": np.arange(12.0)[None]})
    savemat(labels / "SPO2.mat", {"SPO2": np.full((12, 1), 97.0)})
    images = np.zeros((12, 16, 16, 3), np.uint8)
    write_images(tmp_path / "made", images, time=np.arange(12), codec="png")
    (tmp_path / "made" / "images").rename(labels.parent / "Align")
    (take,) = corpus("physdrive").read(tmp_path)
    assert take.name == "AMH1/B2"
    with take.pictures() as video:
        shown = [frame.time for frame in video]
    found = take.references()
    assert sorted(found) == ["pulse", "spo2"]
    assert np.allclose(found["pulse"].time, shown)
    assert dict(take.attributes) == {
        "vehicle": "small car",
        "sex": "male",
        "light": "dusk or dawn",
        "road": "flat, congested",
        "motion": "talk",
    }


def test_radar_folders_are_not_takes(tmp_path):
    for name in ("mmWave/AFH1/AFH1_00/Label", "processed/x/Label", "AFH1/A1/Label"):
        (tmp_path / name).mkdir(parents=True)
    names = [take.name for take in corpus("physdrive").read(tmp_path)]
    assert names == ["AFH1/A1"]
