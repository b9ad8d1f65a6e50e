"""LGI-PPGI: the oximeter's last sample belongs to the last picture."""

import numpy as np
import pytest

from camvitals.data.corpora.lgi_ppgi import OXIMETER, TIMER, picture_times, references, samples
from camvitals.records import InputError


def put(path, rows, outer="cereal"):
    cells = ["".join(f"<value{k}>{cell}</value{k}>" for k, cell in enumerate(row)) for row in rows]
    body = "\n".join(f"<value{n}>{row}</value{n}>" for n, row in enumerate(cells))
    path.write_text(f"<{outer}>\n{body}\n</{outer}>\n")


@pytest.fixture
def take(tmp_path):
    """10 s of pictures that come unevenly, 12 s of oximeter."""
    put(tmp_path / TIMER, [(n, 40.0 * n + 3 * (n % 2)) for n in range(251)])
    put(tmp_path / OXIMETER, [(n, 70 if n else 0, n % 128) for n in range(721)])
    return tmp_path


def test_the_ends_meet_and_the_beginning_is_before_the_pictures(take):
    found = references(take)
    shown = picture_times(take)
    assert shown[:3] == pytest.approx([0, 0.043, 0.08])
    assert found["pulse"].time[-1] == pytest.approx(10)
    assert found["pulse"].time[0] == pytest.approx(-2)
    assert found["pulse"].values[:3].tolist() == [0, 1, 2]
    assert np.isnan(found["heart_rate"].values[0])
    assert (found["heart_rate"].values[1:] == 70).all()


def test_without_a_timer_it_starts_with_the_pictures(take):
    (take / TIMER).unlink()
    assert picture_times(take) is None
    assert references(take)["pulse"].time[0] == 0


def test_containers_whose_name_is_that_of_a_value_are_passed_over(tmp_path):
    put(tmp_path / "own.xml", [(n, 60, 5) for n in range(4)])
    assert samples(tmp_path / "own.xml", ("value1", "value2")).tolist() == [[60, 5]] * 4


def test_a_file_that_ends_within_is_an_error(take):
    path = take / OXIMETER
    path.write_text(path.read_text()[:-30])
    with pytest.raises(InputError, match=f"{OXIMETER} needs numbers in XML"):
        references(take)
