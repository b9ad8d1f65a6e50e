"""Measuring from enhanced colours: blocks, marks, refusals, and what has no pulse."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from camvitals import InputError, Monitor, measure
from camvitals.card import ModelCard
from camvitals.cli import main
from camvitals.data.synthetic.recordings import made_corpus, made_film
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.evaluate.protocol import Protocol, protocol
from camvitals.evaluate.run import evaluate
from camvitals.face.collect import Collector
from camvitals.face.enhance import enhancer, shipped
from camvitals.pipeline import Settings, measure_trace
from camvitals.records import Frame, Source
from camvitals.report.csv_file import write_csv
from camvitals.report.json_file import from_document, schema, to_json
from camvitals.report.page import write_page
from camvitals.video import open_video, write_video
from camvitals.vitals.second import MARK, enhanced_of

SIZE = 32
CARD = ModelCard(
    name="better",
    version="2",
    task="enhancement",
    size=(SIZE, SIZE),
    colour="RGB",
    scale=(0.0, 255.0),
    rate=30.0,
    outputs={"images": "the same size"},
    training_data="none",
    licence="Apache-2.0",
    operating_range="any face",
    source="made by hand",
    sha256="",
    gives="images",
    crop={"box": "aligned"},
)


def write(path, *, plus=0.0, time="time", rank=5, **said):
    """A network that adds a constant to every pixel, and its card; returns the path."""
    shape = ["batch", time, SIZE, SIZE, 3] if rank == 5 else ["batch", 3, SIZE, SIZE]
    given, told = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name in ("frames", "images")
    )
    constant = helper.make_tensor("plus", TensorProto.FLOAT, [1], [plus])
    node = helper.make_node("Add", ["frames", "plus"], ["images"])
    graph = helper.make_graph([node], "better", [given], [told], [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    replace(CARD, **({"sha256": digest} | said)).save(Path(path).with_suffix(".json"))
    return str(path)


@pytest.fixture(scope="module")
def same(tmp_path_factory):
    """An enhancer that changes nothing."""
    return write(tmp_path_factory.mktemp("same") / "same.onnx")


@pytest.fixture(scope="module")
def report(face_file, same):
    """The person of `face_file` measured by crops that nothing was done to."""
    return measure(face_file, enhance=same)


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["camvitals", *words])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def colours(film, path, *, until=None, skin="otsu"):
    """The trace of the one person in pictures."""
    collector = Collector(skin=skin, enhancer=None if path is None else enhancer(path))
    for image, time in zip(film.images[:until], film.time[:until], strict=True):
        collector.push(Frame.of_rgb(np.asarray(image), float(time)))
    (trace,) = collector.traces().values()
    return enhanced_of(trace)


def test_the_heart_rate_of_enhanced_colours_is_that_of_the_person(report, face):
    heart = report.reading("heart_rate")
    assert heart.value == pytest.approx(face.truth.heart_rate, abs=2)
    assert report.reading("heart_rate").method == "auto"  # it could be trusted as recorded


def test_crops_that_nothing_was_done_to_have_the_colours_of_the_recording(report, face_file):
    plain, own = measure(face_file).trace, enhanced_of(report.trace)
    assert report.trace.rgb == pytest.approx(plain.rgb, nan_ok=True)
    skin = own.region("skin"), plain.region("skin")
    assert np.isfinite(skin[0]).all()
    assert np.abs(skin[0] - skin[1]).max() < 2.0
    change = [np.diff(colour[:, 1] - colour[:, 1].mean()) for colour in skin]
    assert np.corrcoef(*change)[0, 1] > 0.9
    assert own.region("background") == pytest.approx(plain.region("background"), nan_ok=True)


def test_the_colours_are_what_the_network_gives(face, same, tmp_path):
    lighter = write(tmp_path / "lighter.onnx", plus=12.5)
    before, after = (colours(face, path, until=40, skin="none") for path in (same, lighter))
    apart = after.region("left_cheek") - before.region("left_cheek")
    assert apart == pytest.approx(12.5, abs=0.5)
    assert after.region("background") == pytest.approx(before.region("background"))


@pytest.mark.parametrize("time", [16, 30, 64])
def test_where_blocks_end_makes_no_difference(time, face, same, tmp_path):
    whole = colours(face, same, until=150)
    blocks = colours(face, write(tmp_path / "blocks.onnx", time=time), until=150)
    assert blocks.rgb == pytest.approx(whole.rgb, abs=1e-2, nan_ok=True)


def test_asking_in_between_changes_nothing(face, same):
    asked, quiet = (Collector(enhancer=enhancer(same)) for _ in range(2))
    for k in range(150):
        frame = Frame.of_rgb(np.asarray(face.images[k]), float(face.time[k]))
        for collector in (asked, quiet):
            collector.push(frame)
        if k % 40 == 39:
            (early,) = asked.traces().values()
            assert len(early.time) == k + 1
            assert np.isfinite(enhanced_of(early).region("skin")[-1]).all()
    both = [next(iter(collector.traces().values())).enhanced for collector in (asked, quiet)]
    assert both[0] == pytest.approx(both[1], abs=1e-6, nan_ok=True)


def test_a_face_that_leaves_is_unseen_until_it_is_back(face, same):
    collector = Collector(enhancer=enhancer(same))
    room = np.full_like(face.images[0], 90)
    for k in range(240):
        image = room if 100 <= k < 170 else np.asarray(face.images[k])
        collector.push(Frame.of_rgb(image, float(face.time[k])))
    trace = max(collector.traces().values(), key=lambda t: np.isfinite(t.rgb[:, 5]).sum())
    trace = enhanced_of(trace)
    known = np.isfinite(trace.region("skin")[:, 0])
    assert not known[(trace.time > face.time[101]) & (trace.time < face.time[168])].any()
    assert known[trace.time < face.time[60]].all()
    assert known[trace.time > face.time[215]].all()
    assert (known == np.isfinite(trace.box[:, 0])).all()


def test_of_a_long_recording_two_blocks_at_most_are_kept(face, same):
    collector = Collector(enhancer=enhancer(same), keep=5.0)
    most = 0
    for k in range(400):
        image = np.asarray(face.images[k])
        collector.push(Frame.of_rgb(image, k / 30))
        for person in collector._people.values():
            held = person.enhanced
            tail = 0 if held._tail is None else len(held._tail)
            most = max(most, len(held._open) + len(held._shown) + tail)
    assert 90 < most <= 2 * 90 + 30
    (trace,) = collector.traces().values()
    assert trace.time[-1] - trace.time[0] == pytest.approx(5.0, abs=0.1)


def test_the_monitor_says_what_measure_says(face, same, report):
    monitor = Monitor(window=14.0, enhance=same)
    for image, time in zip(face.images, face.time, strict=True):
        monitor.push(np.asarray(image), float(time))
    live = monitor.now()
    whole = measure(face.images, time=face.time, enhance=same)
    assert live.reading("heart_rate").value == whole.reading("heart_rate").value
    assert live.wave("pulse").values == pytest.approx(whole.wave("pulse").values, nan_ok=True)
    assert live.settings["enhance"] == whole.settings["enhance"]


def test_a_report_says_who_enhanced_and_how_much_rests_on_it(report, same):
    card = enhancer(same).card
    told = f"better 2 (sha256 {card.sha256[:12]})"
    assert report.settings["enhance"] == told
    assert report.versions["better"] == told.removeprefix("better ")
    (warning,) = [text for text in report.source.warnings if told in text]
    assert warning.startswith("0 of ")
    document = json.loads(to_json([report]))
    assert from_document(document)[0].settings["enhance"] == told


@pytest.fixture(scope="module")
def regained(same):
    """A person without a pulse as recorded, who has one in the enhanced colours."""
    scene = Scenario(seed=5, duration=20, rate=30, heart_rate=80)
    alive, _ = made_trace(scene)
    dead, _ = made_trace(replace(scene, pulse=0.0))
    trace = replace(dead, enhanced=alive.rgb)
    return measure_trace(trace, source=Source("made"), settings=Settings(enhance=same))


def test_what_cannot_be_trusted_as_recorded_is_told_of_enhanced_colours(regained):
    heart = regained.reading("heart_rate")
    assert heart.value == pytest.approx(80, abs=2)
    assert {reading.method.endswith(MARK) for reading in regained.readings} == {True}
    assert {wave.unit for wave in regained.waves} == {f"1, {MARK}"}
    given = [reading for reading in regained.rolling if reading.value is not None]
    assert given and all(reading.method == f"auto, {MARK}" for reading in given)
    (warning,) = regained.source.warnings
    assert warning.startswith(f"{len(given)} of {len(given)} heart rates over time were read")
    document = json.loads(to_json([regained]))
    assert {wave["unit"] for wave in document["reports"][0]["waves"]} == {f"1, {MARK}"}


def test_its_json_keeps_the_schema(report):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(json.loads(to_json([report])), schema())


def test_of_a_film_that_is_empty_nothing_is_told(same):
    """Eight kilobits a second hold no pulse; what an enhancer shows of them is its own."""
    alive, _ = made_trace(Scenario(seed=5, duration=20, rate=30, heart_rate=80))
    dead, _ = made_trace(Scenario(seed=5, duration=20, rate=30, heart_rate=80, pulse=0.0))
    trace, facts = replace(dead, enhanced=alive.rgb), Source("made", rate=30.0)
    film = {"codec": "h264", "width": 256, "height": 192, "frames": 600, "duration": 20.0}
    told = {
        bits: measure_trace(
            trace,
            source=replace(facts, bit_rate=bits, **film),
            settings=Settings(enhance=same),
        ).reading("heart_rate")
        for bits in (8_000, 5_000_000)
    }
    assert told[8_000].value is None
    assert told[5_000_000].value == pytest.approx(80, abs=2)


def test_pages_and_tables_say_it_too(report, regained, tmp_path):
    write_page(tmp_path / "page.html", [report])
    assert "better 2 (sha256" in (tmp_path / "page.html").read_text("utf-8")
    (tmp_path / "csv").mkdir()
    write_csv(tmp_path / "csv", [regained])
    assert "pulse_enhanced" in (tmp_path / "csv" / "waves.csv").read_text("utf-8").splitlines()[0]


def test_without_an_enhancer_nothing_is_said(face_file):
    plain = measure(face_file)
    assert "enhance" not in plain.settings
    assert plain.wave("pulse").unit == "1"
    assert plain.reading("heart_rate").method == "auto"


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"gives": "pulse", "task": "pulse"}, "an enhancer gives images"),
        ({"size": (32, 48)}, "an enhancer needs square crops"),
        ({"size": (64, 64)}, "an enhancer takes"),
        ({"colour": "BGR"}, "an enhancer is given RGB"),
        ({"scale": (0.0, 1.0)}, "from 0 to 1"),
        ({"rate": 0.0}, "needs a rate > 0 Hz"),
        ({"length": 4}, "takes 4 crops"),
        ({"crop": {"box": "left-cheek"}}, "needs one of tracked"),
        ({"crop": {"tilt": 1}}, "a crop has box"),
        ({"sha256": "0" * 64}, "its card says"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(said, complaint, tmp_path):
    with pytest.raises(InputError, match=complaint):
        Settings(enhance=write(tmp_path / "odd.onnx", **said))


def test_a_network_of_single_pictures_is_refused(tmp_path):
    with pytest.raises(InputError, match="an enhancer takes"):
        Settings(enhance=write(tmp_path / "flat.onnx", rank=4))


@pytest.mark.parametrize("rate", [10.0, 60.0])
def test_pictures_at_another_rate_are_refused(rate, face, tmp_path):
    path = write(tmp_path / "other.onnx", rate=rate)
    with pytest.raises(InputError, match="pictures a second"):
        measure(face.images[:150], time=face.time[:150], enhance=path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="or an ONNX file with card"):
        Settings(enhance=str(tmp_path / "none.onnx"))


def test_the_enhancer_that_comes_with_the_package_is_had_by_name():
    (name,) = shipped()
    assert Settings(enhance=name).enhancer.card.name == name
    with pytest.raises(InputError, match=rf"no nobody: .*give {name}, or an ONNX file"):
        Settings(enhance="nobody")


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"roi": "finger"}, "an enhancer needs roi 'face'"),
        ({"oxygen": "uncalibrated"}, "oxygen is calibrated on colours as recorded"),
        ({"method": "ssr"}, "looks at the pictures as recorded"),
        ({"method": "samc"}, "looks at the pictures as recorded"),
    ],
)
def test_what_does_not_go_with_an_enhancer_is_refused(more, complaint, same):
    with pytest.raises(InputError, match=complaint):
        Settings(enhance=same, **more)


def assert_silent(report):
    """Not one vital sign is given, over no window either; all say why."""
    assert [r for r in (*report.readings, *report.rolling) if r.value is not None] == []
    assert all(len(r.why.split()) > 4 for r in report.readings)
    assert len(report.beats) == 0


@pytest.mark.parametrize("subject", ["still-picture", "painted-face", "bled"])
@pytest.mark.parametrize("crf", [20, 36])
def test_what_has_no_pulse_has_none_when_enhanced(subject, crf, same, tmp_path, film):
    dead = {"pulse": 0.0} if subject == "bled" else {"subject": subject}
    made = film(Scenario(seed=22, duration=10, rate=20, size=(256, 192), **dead))
    path = tmp_path / "dead.mp4"
    write_video(path, made.images, time=made.time, codec="h264", crf=crf)
    for network in (same, *shipped()):
        assert_silent(measure(path, enhance=network))


def test_the_command_takes_an_enhancer(face_file, same, monkeypatch, capsys):
    assert run(monkeypatch, "measure", str(face_file), "--enhance", same, "--json") == 0
    (found,) = from_document(json.loads(capsys.readouterr().out))
    assert found.settings["enhance"].startswith("better 2")
    assert run(monkeypatch, "measure", str(face_file), "--enhance", "none.onnx") == 2
    assert "or an ONNX file with card" in capsys.readouterr().err


def test_no_torch_and_no_more_than_before_is_loaded(face_file, same):
    code = f"import camvitals, sys; camvitals.measure({str(face_file)!r}, enhance={same!r})"
    ask = f"{code}\nprint(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", ask], capture_output=True, check=True, text=True)
    assert not set(ended.stdout.split()) & {"torch", "scipy.signal", "matplotlib"}


@pytest.fixture(scope="module")
def takes(film):
    """Two people on film, as recordings."""
    scenes = [Scenario(seed=k, duration=12, rate=25, size=(256, 192), sdnn=15) for k in (3, 4)]
    return tuple(
        replace(made_film(scene), pictures=partial(opened, film(scene))) for scene in scenes
    )


def opened(made):
    return open_video(made.images, time=made.time)


def test_an_evaluation_with_an_enhancer_has_another_hash(takes, same, tmp_path):
    plain, better = (
        evaluate(takes, methods=("auto", "ssr"), jobs=1, enhance=path, traces=tmp_path / "traces")
        for path in (None, same)
    )
    assert plain.protocol.hash == protocol("ours").hash
    assert better.protocol.hash != plain.protocol.hash
    assert "enhanced by better 2 (sha256" in better.protocol.text
    assert Protocol.from_settings(better.protocol.settings) == better.protocol
    auto = better.of(method="auto")
    assert np.isfinite(auto.columns["estimate"]).any()
    apart = auto.columns["estimate"] - plain.of(method="auto").columns["estimate"]
    assert np.nanmax(np.abs(apart)) < 3
    assert set(better.of(method="ssr").columns["why"]) == {
        "ssr looks at the pictures as recorded; use another method"
    }


def test_recordings_of_colours_cannot_be_enhanced(same):
    colours_alone = made_corpus([Scenario(seed=1, duration=12, rate=30)])
    (skipped,) = evaluate(colours_alone, jobs=1, enhance=same).skipped
    assert "pictures alone can be enhanced" in skipped.why
