"""Real films watched as they are played: the same as measured, and their traces again."""

import pytest

from camvitals import measure
from camvitals.live.session import Session, Watch
from camvitals.pipeline import Settings, measure_people


def test_a_film_watched_and_recorded_is_the_film_measured(real_data, tmp_path):
    film, path = real_data / "face-video" / "evm" / "face.mp4", tmp_path / "a.traces"
    *_, (live,) = Session(str(film), Watch(period=60.0), record=path, speed=1e6).reports()
    filed, (again,) = measure(film), measure_people(path, settings=Settings())
    rates = [report.reading("heart_rate").value for report in (live, filed, again)]
    assert None not in rates
    assert rates[0] == pytest.approx(rates[1], abs=1.0)
    assert rates[2] == rates[0]
    assert path.stat().st_size < film.stat().st_size / 10
