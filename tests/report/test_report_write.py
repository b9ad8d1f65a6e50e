import pytest

from camvitals.records import InputError
from camvitals.report.write import WRITERS, write

BEGIN = {".json": "{", ".csv": "file,person", ".html": "<!doctype html>"}


def test_every_writer_has_a_case():
    assert set(BEGIN) == set(WRITERS)


@pytest.mark.parametrize("ending", sorted(BEGIN))
def test_the_ending_chooses_the_form(make_report, bare, tmp_path, ending):
    path = write(tmp_path / f"a{ending.upper()}", iter([make_report(seconds=12), bare]))
    text = path.read_text(encoding="utf-8")
    assert text.startswith(BEGIN[ending]) and "clip.mp4" in text and "dark.avi" in text
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"ending in \.json, \.csv, \.html but got 'a.pdf'"):
        write(tmp_path / "a.pdf", [])
