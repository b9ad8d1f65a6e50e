import json
import re
from pathlib import Path

import pytest

from camvitals.records import InputError
from camvitals.report.capture import LIMITS
from camvitals.report.json_file import from_document, schema
from camvitals.report.write import WRITERS, write

BEGIN = {".json": "{", ".csv": "file,person", ".html": "<!doctype html>"}
BEGIN |= {".fhir.json": "{", ".fhir-r4.json": "{"}
# one file for each person, and how it begins
OWN = {".edf": b"0  ", ".hea": b"a", ".nwb": b"\x89HDF", "_physio.tsv.gz": b"\x1f\x8b"}


def test_every_writer_has_a_case():
    assert set(BEGIN) | set(OWN) == set(WRITERS)


@pytest.mark.parametrize("ending", sorted(OWN))
def test_other_endings_give_a_file_for_each_person(make_report, tmp_path, ending):
    first = write(tmp_path / f"a{ending}", iter([make_report(seconds=12)]))
    assert first == tmp_path / f"a{ending}" and first.read_bytes().startswith(OWN[ending])
    alone = len(list(tmp_path.iterdir()))
    two = [make_report(seconds=12, person=1), make_report(seconds=12, person=2)]
    (tmp_path / "two").mkdir()
    path = write(tmp_path / "two" / f"a{ending}", two)
    assert path.read_bytes().startswith(OWN[ending])
    assert len(list((tmp_path / "two").iterdir())) == 2 * alone


@pytest.mark.parametrize("ending", sorted(BEGIN))
def test_the_ending_chooses_the_form(make_report, bare, tmp_path, ending):
    path = write(tmp_path / f"a{ending.upper()}", iter([make_report(seconds=12), bare]))
    text = path.read_text(encoding="utf-8")
    assert text.startswith(BEGIN[ending]) and "clip.mp4" in text and "dark.avi" in text
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"ending in \.json, \.csv, \.html, .* but got 'a.pdf'"):
        write(tmp_path / "a.pdf", [])


def test_the_format_is_documented_as_it_is():
    text = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    for definition in schema()["$defs"].values():
        for key in definition["properties"]:
            assert f"`{key}`" in text, key
    for name, limit in LIMITS.items():
        assert f"| `{name}` | {limit.unit} | {limit.text} |" in text
    example = re.search(r"```json\n(.*?)```", text, flags=re.S)
    (report,) = from_document(json.loads(example.group(1)))
    assert report.reading("heart_rate").value == 72.0 and report.source.bit_rate == 2.4e6
