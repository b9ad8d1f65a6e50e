import dataclasses
import json

import numpy as np
import pytest

from camvitals.records import InputError, Report, Source
from camvitals.report.json_file import read_json, schema, to_json, write_json

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def faults(value, rule, root, where="$"):
    """What breaks a JSON Schema, for the keywords that this schema uses."""
    if "$ref" in rule:
        return faults(value, root["$defs"][rule["$ref"].rsplit("/", 1)[1]], root, where)
    known = {
        "type", "properties", "required", "additionalProperties", "items", "const", "minimum",
        "maximum", "minItems", "maxItems", "minLength", "oneOf", "description", "title", "$schema",
        "$defs",
    }  # fmt: skip
    assert set(rule) <= known, f"the checker does not know {set(rule) - known}"
    out = []
    if "const" in rule and value != rule["const"]:
        out.append(f"{where} is not {rule['const']!r}")
    if "type" in rule:
        types = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
        is_bool = isinstance(value, bool)
        if not any(isinstance(value, TYPES[t]) and (t == "boolean") == is_bool for t in types):
            return [f"{where} is no {types}"]
    if isinstance(value, str) and len(value) < rule.get("minLength", 0):
        out.append(f"{where} is too short")
    low, high = rule.get("minimum", -np.inf), rule.get("maximum", np.inf)
    if isinstance(value, (int, float)) and not low <= value <= high:
        out.append(f"{where} is out of range")
    if isinstance(value, list):
        if not rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", np.inf):
            out.append(f"{where} has {len(value)} items")
        for at, entry in enumerate(value):
            out += faults(entry, rule.get("items", {}), root, f"{where}[{at}]")
    if isinstance(value, dict):
        out += [f"{where} lacks {key}" for key in rule.get("required", ()) if key not in value]
        extra = rule.get("additionalProperties", True)
        for key, entry in value.items():
            inner = rule.get("properties", {}).get(key, extra)
            if inner is False:
                out.append(f"{where} has {key}")
            elif inner is not True:
                out += faults(entry, inner, root, f"{where}.{key}")
    if "oneOf" in rule:
        fits = sum(not faults(value, choice, root, where) for choice in rule["oneOf"])
        out += [] if fits == 1 else [f"{where} fits {fits} of its choices"]
    return out


def checked(text: str):
    def refuse(token):
        raise AssertionError(token)

    document = json.loads(text, parse_constant=refuse)
    assert faults(document, schema(), schema()) == []
    return document


def same(a, b) -> bool:
    if dataclasses.is_dataclass(a):
        names = [f.name for f in dataclasses.fields(a)]
        return type(a) is type(b) and all(same(getattr(a, n), getattr(b, n)) for n in names)
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-6, equal_nan=True)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def test_reports_survive_the_round_trip(make_report, bare, tmp_path):
    reports = (make_report(), make_report(person=3, name='<b>"ä\n'), bare)
    path = write_json(tmp_path / "a.json", reports, with_trace=True)
    back = read_json(path)
    assert same(reports, back)
    assert not same(reports, (back[1], back[1], back[2]))


def test_the_trace_is_written_on_request_only(make_report, tmp_path):
    assert "trace" not in checked(to_json([make_report()]))["reports"][0]
    assert read_json(write_json(tmp_path / "a.json", [make_report()]))[0].trace is None


def test_documents_fit_the_shipped_schema(make_report, bare):
    document = checked(to_json([make_report(), bare], with_trace=True))
    values = document["reports"][0]["waves"][0]["values"]
    assert None in values and len(values) == 1800


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda d: d.update(schema="camvitals.report/2"), "is not"),
        (lambda d: d["reports"][0]["readings"][0].update(quality=1.5), "out of range"),
        (lambda d: d["reports"][0]["readings"][0].update(value=None), "choices"),
        (lambda d: d["reports"][0].pop("beats"), "lacks beats"),
        (lambda d: d["reports"][0].update(face=1), "has face"),
    ],
)
def test_the_schema_refuses_what_is_wrong(make_report, spoil, fault):
    document = json.loads(to_json([make_report()]))
    spoil(document)
    assert fault in " ".join(faults(document, schema(), schema()))


def test_empty_traces_and_no_reports_are_written(make_empty_trace, tmp_path):
    checked(to_json([]))
    for length in (0, 1):
        report = Report((), Source("x"), trace=make_empty_trace(length))
        (back,) = read_json(write_json(tmp_path / "a.json", [report], with_trace=True))
        assert same(report, back)


def test_settings_of_any_kind_become_plain_json(tmp_path):
    settings = {"path": tmp_path, "n": np.int64(3), "x": float("nan"), "t": (1, 2), 5: None}
    document = checked(to_json([Report((), Source("x"), settings=settings)]))
    wanted = {"path": str(tmp_path), "n": 3, "x": None, "t": [1, 2], "5": None}
    assert document["reports"][0]["settings"] == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "needs schema camvitals.report/1 but has 'list'"),
        ('{"schema": "camvitals.report/9"}', "has 'camvitals.report/9'"),
        ('{"schema": "camvitals.report/1", "reports": [{}]}', "is not a whole"),
        ('{"schema": "camvitals.report/1", "reports": NaN}', "NaN is no JSON number"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_json(path)
    with pytest.raises(InputError, match="no report at"):
        read_json(tmp_path / "none.json")
