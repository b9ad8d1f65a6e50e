"""Every corpus reader, on made people laid out as the owners of the corpus lay theirs out.

The pictures are flat and brighten with the pulse, so that what is read back tells its own time.
"""

import contextlib
import os
import pickle
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from camvitals.data.corpora import CORPORA
from camvitals.data.recording import REFERENCES, Recording
from camvitals.data.synthetic import scene
from camvitals.data.synthetic.camera import time_stamps
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.layouts.bedside import heart_rate_at
from camvitals.data.synthetic.layouts.layout import Person
from camvitals.data.synthetic.physiology import Physiology, simulate_physiology
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import InputError

ROOT = Path(__file__).parents[2]
SECONDS = 4.0
WAVES = ("pulse", "ecg", "blood_pressure")
# Where the owners give no wave of the heart: what they give instead.
RATES = {"oximetry": "heart_rate", "finger-hrv": "rr"}
ATTRIBUTES: dict[str, set[str]] = {
    "heartratenet": {"tone", "light", "motion"},
    "ubfc-rppg-1": {"exercise"},
    "ubfc-rppg-2": {"task"},
    "ubfc-phys": {"condition", "motion"},
    "pure": {"motion"},
    "cohface": {"light", "motion"},
    "ibvp": {"condition", "motion"},
    "rppg-toolbox": {"origin"},
    "table": {"tone", "light", "motion"},
    "vicar-ppg-2": {"condition"},
    "physdrive": {"vehicle", "sex", "light", "road", "motion"},
    "mcd-rppg": {"state", "device", "sex", "age"},
    "bp4d+": {"sex", "task"},
    "v4v": {"sex", "task"},
    "oximetry": {"hand", "device"},
    "finger-hrv": {"device"},
    "face-trace": set(),
    "face-video": {"tone", "light", "motion", "codec", "rate", "camera", "clock", "subject"},
    "mahnob-hci": {"experiment", "section", "stimulus", "gender", "ethnicity"},
    "amigos": {"film", "stimulus"},
    "mmpd": {
        "tone",
        "light",
        "motion",
        "exercise",
        "gender",
        "glasses",
        "hair",
        "makeup",
    },
    "scamps": {"source"},
    "lgi-ppgi": {"motion", "place", "clock"},
    "vipl-hr": {"device", "clock", "situation", "motion", "light"},
    "ecg-fitness": {"camera", "light", "motion"},
    "ecg-video": {"state"},
}


@dataclass(frozen=True)
class Made:
    """A corpus of two made people, and what their bodies did in every take."""

    name: str
    folder: Path
    bodies: dict[tuple[int, int], Physiology]  # by person and take

    def read(self) -> tuple[Recording, ...]:
        return CORPORA[self.name].read(self.folder)


def flat_pictures(scenario):
    body = simulate_physiology(scenario)
    for time in time_stamps(scenario):
        level = int(np.clip(80 + 80 * body.pulse_at(time), 0, 255))
        height, width = scenario.size[1], scenario.size[0]
        yield np.full((height, width, 3), level, np.uint8), float(time)


@pytest.fixture(scope="module", params=LAYOUTS)
def made(request, tmp_path_factory) -> Made:
    name, layout = request.param, LAYOUTS[request.param]
    scenarios = [
        Scenario(seed=k, duration=SECONDS, rate=layout.rate, size=(64, 48), heart_rate=bpm, sdnn=20)
        for k, bpm in ((1, 64), (2, 93))
    ]
    folder = tmp_path_factory.mktemp("corpora") / "corpus"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scene, "frames", flat_pictures)
        write_corpus(folder, layout, scenarios)
    people = [Person(n, scenario) for n, scenario in enumerate(scenarios)]
    bodies = {(p.number, k): layout.take(p, k).body for p in people for k in range(layout.takes)}
    return Made(name, folder, bodies)


def clock_and_colour(take: Recording):
    if take.pictures is None:
        trace = take.colours()
        return trace.time, trace.rgb[:, 0, 1]
    with take.pictures() as video:
        seen = [(frame.time, frame.rgb().mean()) for frame in video]
    time, colour = np.transpose(seen)
    return time, colour


def truth_of(name: str, body: Physiology, time: np.ndarray) -> np.ndarray:
    return np.interp(time, body.time, body.ecg) if name == "ecg" else body.pulse_at(time)


def likeness(name: str, values: np.ndarray, time: np.ndarray, body: Physiology) -> float:
    inside = (time > 0) & (time < SECONDS)
    return float(np.corrcoef(values[inside], truth_of(name, body, time[inside]))[0, 1])


def nearest(made: Made, name: str, values: np.ndarray, time: np.ndarray) -> tuple[int, int]:
    return max(made.bodies, key=lambda key: likeness(name, values, time, made.bodies[key]))


def check_wave(name: str, values: np.ndarray, time: np.ndarray, body: Physiology) -> None:
    half = np.median(np.diff(time)) / 2
    early, now, late = (likeness(name, values, time + d, body) for d in (-half, 0, half))
    assert now > 0.99
    assert now > early and now > late


def test_every_reader_has_a_layout_and_a_page():
    assert CORPORA.keys() == LAYOUTS.keys() == ATTRIBUTES.keys()
    index = (ROOT / "docs" / "corpora" / "index.md").read_text("utf-8")
    for name in CORPORA:
        page = f"{name}.md"
        assert (ROOT / "docs" / "corpora" / page).is_file() and f"({page})" in index
        assert f"`{name}`" in index


@pytest.mark.parametrize("name", CORPORA)
def test_another_folder_is_told_what_it_needs(name, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(InputError, match=re.escape(CORPORA[name].layout)):
        CORPORA[name].read(tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        CORPORA[name].read(tmp_path / "no")


def test_all_takes_are_listed_and_told_apart(made):
    takes = made.read()
    assert {take.corpus for take in takes} == {made.name}
    assert len({take.name for take in takes}) == len(takes) == 2 * LAYOUTS[made.name].takes
    assert len({take.subject for take in takes}) == 2
    assert all(take.files and not list(take.missing()) for take in takes)


def test_what_is_in_hidden_folders_is_not_there(made):
    """As a made corpus leaves behind that was killed: the folder of a person, not yet renamed."""
    told = [(take.name, take.files) for take in made.read()]
    with copies(made.folder):
        assert [(take.name, take.files) for take in made.read()] == told


@contextlib.contextmanager
def copies(folder: Path):
    """A hidden copy of everything in a folder, and one of each folder in it, for a while."""
    sources = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    parts = {folder / f".1a2b3c4d-{path.name}": path for path in sources}
    with contextlib.ExitStack() as stack:
        for part, source in parts.items():
            stack.callback(shutil.rmtree, part, ignore_errors=True)
            hidden = shutil.ignore_patterns(".*")
            shutil.copytree(source, part, ignore=hidden, copy_function=os.link)
        yield


def test_strata_are_told_in_words(made):
    for take in made.read():
        assert set(take.attributes) == ATTRIBUTES[made.name]
        assert all(isinstance(word, str) and word for word in take.attributes.values())
        assert all(name.isidentifier() for name in take.attributes)


def test_pictures_come_at_the_rate_of_the_layout(made):
    for take in made.read():
        time, _ = clock_and_colour(take)
        assert np.all(np.diff(time) > 0)
        rate = LAYOUTS[made.name].rate
        assert 1 / np.median(np.diff(time)) == pytest.approx(rate, rel=0.04)
        assert (len(time) - 1) / (time[-1] - time[0]) == pytest.approx(rate, rel=0.01)
        assert len(time) == pytest.approx(SECONDS * rate, abs=1.5)


def test_pictures_and_heart_tell_of_the_same_moments(made):
    people = {}
    for take in made.read():
        time, colour = clock_and_colour(take)
        found = take.references()
        assert found.keys() <= REFERENCES.keys()
        assert all(wave.unit in (REFERENCES[n], "1") for n, wave in found.items())
        for name in WAVES:
            if name not in found:
                continue
            wave = found[name]
            key = nearest(made, name, wave.values, wave.time - time[0])
            check_wave(name, wave.values, wave.time - time[0], made.bodies[key])
            if take.pictures is not None:
                assert nearest(made, "pulse", colour, time - time[0]) == key
                check_wave("pulse", colour, time - time[0], made.bodies[key])
            people.setdefault(take.subject, set()).add(key[0])
        if made.name in RATES:
            people.setdefault(take.subject, set()).add(person_by_rate(made, found, time))
    assert sorted(map(sorted, people.values())) == [[0], [1]]


def person_by_rate(made: Made, found, time) -> int:
    """The person whose beats fit the rates to the accuracy of the device."""
    name = RATES[made.name]
    for (person, _), body in made.bodies.items():
        beats = body.r_peaks[(body.r_peaks >= 0) & (body.r_peaks <= SECONDS)]
        truth = (
            1e3 * np.diff(beats)
            if name == "rr"
            else heart_rate_at(body, found[name].time - time[0])
        )
        values = found[name].values
        if len(truth) == len(values) and np.allclose(values, truth, atol=1.0):
            return person
    raise AssertionError(f"nobody has these {name}: {found[name].values}")


def test_takes_can_be_sent_to_another_process(made):
    take = made.read()[0]
    sent = pickle.loads(pickle.dumps(take))
    assert (sent.name, sent.files, sent.attributes) == (take.name, take.files, take.attributes)
    ours, theirs = take.references(), sent.references()
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[n].values, theirs[n].values, equal_nan=True) for n in ours)


@contextlib.contextmanager
def aside(path: Path):
    """The file or folder gone for a while."""
    away = path.with_name("away.bak")
    path.rename(away)
    try:
        yield
    finally:
        away.rename(path)


def open_all(take: Recording) -> None:
    take.references()
    clock_and_colour(take)


def test_a_file_that_is_gone_is_named(made):
    before = made.read()[0]
    for path in before.files:
        with aside(path):
            assert list(before.missing()) == [path]
            with pytest.raises(InputError, match=re.escape(path.name)):
                open_all(before)
        if path != before.files[0]:  # a take without its pictures may be nobody's
            with aside(path):
                assert before.name in [take.name for take in made.read()]


def test_listing_opens_no_video(made):
    names = [take.name for take in made.read()]
    files = {path for take in made.read() for path in take.files if path.is_file()}
    with contextlib.ExitStack() as stack:
        for path in files:
            stack.enter_context(emptied(path))
        assert [take.name for take in made.read()] == names


@contextlib.contextmanager
def emptied(path: Path):
    """The file cut to nothing for a while."""
    whole = path.read_bytes()
    path.write_bytes(b"")
    try:
        yield
    finally:
        path.write_bytes(whole)
