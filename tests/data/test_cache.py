"""Reading a cache: windows in which nothing is missing, and errors that say what to do."""

import json
import pickle

import numpy as np
import pytest

from camvitals import InputError
from camvitals.data.cache import Cache
from camvitals.data.prepare import prepare
from camvitals.data.prepared import PrepareSettings, folder_of
from camvitals.data.recording import Recording
from camvitals.records import Trace, Wave

RATE = 20
HASH = PrepareSettings().hash
SEEN_TO_S = 20.0
times: dict[str, np.ndarray] = {
    "whole": np.arange(600) / RATE,
    "gap": np.delete(np.arange(600), np.arange(200, 215)) / RATE,  # 0.8 s from 9.95 s on
    "away": np.arange(600) / RATE,
}


def colours_of(kind):
    def colours():
        time = times[kind]
        rgb = np.full((len(time), 2, 3), 100, np.float32)
        if kind == "away":
            rgb[time >= SEEN_TO_S, 1] = np.nan
        box = np.tile([0.0, 0, 9, 9], (len(time), 1))
        return Trace(rgb, np.ones((len(time), 2)), time, ("background", "skin"), box)

    return colours


def references():
    time = np.arange(8 * 50) / 50 + 6
    return {"pulse": Wave(np.sin(time), time, "pulse")}


@pytest.fixture
def cache(tmp_path):
    recordings = [
        Recording("c", kind, references if kind == "whole" else dict, colours=colours_of(kind))
        for kind in times
    ]
    assert len(dict(prepare(recordings, tmp_path, settings=PrepareSettings(), jobs=1))) == 3
    return Cache(tmp_path)


def starts(cache, kind, *args, **more):
    return [w.start for w in cache.windows(*args, **more) if w.key == f"c/{kind}"]


def test_windows_cover_what_is_whole(cache):
    assert starts(cache, "whole", 10, hop=10) == [0, 10, 20]
    assert starts(cache, "whole", 30, hop=1) == [0]
    assert starts(cache, "whole", 30.5, hop=1) == []
    assert starts(cache, "gap", 5, hop=2.5) == [0, 2.5, 5, 12.5, 15, 17.5, 20, 22.5, 25]
    assert starts(cache, "away", 5, hop=5) == [0, 5, 10, 15]


def test_windows_of_a_reference_lie_on_its_clock(cache):
    assert starts(cache, "whole", 4, hop=2, reference="pulse") == [6, 8, 10]
    assert starts(cache, "gap", 4, hop=2, reference="pulse") == []


@pytest.mark.parametrize(("length", "hop"), [(0, 1), (1, 0), (-1, 1)])
def test_windows_need_lengths(cache, length, hop):
    with pytest.raises(InputError, match="length and hop > 0"):
        next(cache.windows(length, hop=hop))


def test_it_can_be_sent_to_other_processes(cache):
    again = pickle.loads(pickle.dumps(cache))
    assert again.recordings == cache.recordings
    np.testing.assert_array_equal(again.time("c/gap"), times["gap"])


def test_unseen_is_told(cache):
    seen = cache.seen("c/away")
    np.testing.assert_array_equal(seen, times["away"] < SEEN_TO_S)
    assert cache.recording("c/away").seen == pytest.approx(seen.mean())


def test_unknown_names_say_what_there_is(cache):
    with pytest.raises(InputError, match=r"no 'c/nobody'; it has c/away, c/gap, c/whole$"):
        cache.trace("c/nobody")
    with pytest.raises(InputError, match="given as colours"):
        cache.squares("c/gap")


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        Cache(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no cache; make one with"):
        Cache(tmp_path)


def test_many_caches_want_a_name(cache):
    list(prepare([], cache.folder.parent, settings=PrepareSettings(size=36), jobs=1))
    with pytest.raises(InputError, match=f"holds 2 caches; name one of .*{HASH}"):
        Cache(cache.folder.parent)
    assert len(Cache(cache.folder).recordings) == 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 0}, "has format 0 but this camvitals reads 1; prepare it again"),
        ({"format": None}, "has format None"),
        ({"size": 36}, "needs to be called"),
        ({"colour": "red"}, "other settings than this format"),
    ],
)
def test_another_format_or_hash_is_refused(cache, change, told):
    path = cache.folder / "settings.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=told):
        Cache(cache.folder)


@pytest.mark.parametrize("text", ["{", "[1]", "{}"])
def test_a_damaged_recording_is_named(cache, text):
    path = cache.folder / "c" / "gap" / "meta.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"gap.meta\.json"):
        Cache(cache.folder)


def test_folders_of_awkward_names_stay_apart_and_within():
    names = ["a/b", "a~b", "a%7Eb", "a", "..", "../x", ".a", "a:b", "é", "a b", "A\\b"]
    folders = [str(folder_of("c", name)) for name in names]
    assert len(set(folders)) == len(names)
    assert all(folder.startswith("c/") and folder.count("/") == 1 for folder in folders)
    assert not any(part.startswith(".") for folder in folders for part in folder.split("/"))
    assert str(folder_of("../c", "a")).startswith("%2E")
