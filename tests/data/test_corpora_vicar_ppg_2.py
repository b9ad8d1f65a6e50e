"""VicarPPG 2: the cleaned pulse, or the raw one."""

import numpy as np

from camvitals.data.corpora import corpus


def written(folder, kinds):
    (folder / "Videos").mkdir()
    for name in ("01-base.mp4", "01-hrv.mp4", "notes.mp4"):
        (folder / "Videos" / name).write_bytes(b"0")
    for height, kind in enumerate(kinds):
        place = folder / "GroundTruth" / "PPG" / kind
        place.mkdir(parents=True)
        rows = "\n".join(f"{1000 + 1000 * k / 60:.4f},{height + 0.1 * k}" for k in range(4))
        (place / "01-base PPG.csv").write_text(f"milliseconds,Signal\n{rows}\n")
    return corpus("vicar-ppg-2").read(folder)


def test_the_pulse_counts_from_the_start_of_the_video(tmp_path):
    base, hrv = written(tmp_path, ["Cleaned", "Raw"])
    pulse = base.reference("pulse")
    assert np.allclose(pulse.time, np.arange(4) / 60, atol=1e-6)
    assert np.allclose(pulse.values, 0.1 * np.arange(4))
    assert (base.subject, base.task, hrv.task) == ("01", "base", "hrv")


def test_the_raw_pulse_stands_in_for_the_cleaned_one(tmp_path):
    base, hrv = written(tmp_path, ["Raw"])
    assert base.files[1].parent.name == "Raw"
    assert [path.parent.name for path in hrv.missing()] == ["Cleaned"]
