"""What is sent on is received as it was reported, by the libraries that others receive it with."""

import socket
import sys
from time import monotonic

import numpy as np
import pytest

from camvitals.live.lsl import FACTS, RATES, LslOutlet
from camvitals.live.news import News
from camvitals.live.osc import OscOutlet
from camvitals.records import InputError, Reading, Report, Source, Wave, withheld

RATE = 25.0


def report_at(end, *, person=1, why="", rate=RATE):
    """A report of the ten seconds before `end`, with a pulse that is its own clock."""
    time = end - 10 + np.arange(round(10 * rate)) / rate
    span = (end - 10.0, end)
    heart = Reading("heart_rate", 72.0, "bpm", 71.0, 73.5, 0.9, "auto", span)
    if why:
        heart = withheld("heart_rate", "bpm", why, method="auto", span=span)
    breath = withheld("respiration_rate", "breaths/min", "too short", method="pulse", span=span)
    return Report((heart, breath), Source("x"), waves=(Wave(time, time, "pulse"),), person=person)


def test_every_sample_is_news_once():
    news, seen = News(), []
    for end in (10.0, 11.0, 12.5, 12.5, 40.0):
        time, values = news.of(report_at(end))
        assert np.array_equal(time, values)
        seen.append(time)
    assert [len(time) for time in seen] == [250, 25, 37, 0, 250]
    assert np.all(np.diff(np.concatenate(seen)) > 0.9 / RATE)


def test_people_have_news_of_their_own():
    news = News()
    assert len(news.of(report_at(10.0))[0]) == len(news.of(report_at(10.0, person=2))[0]) == 250


def test_a_pulse_that_is_not_trusted_is_not_sent_as_one():
    _, values = News().of(report_at(10.0, why="the head moves"))
    assert len(values) == 250 and np.isnan(values).all()


@pytest.fixture
def listener():
    """A UDP socket on this computer, and a function that reads its messages."""
    message = pytest.importorskip("pythonosc.osc_message")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)

        def read(count):
            packets = [server.recv(65536) for _ in range(count)]
            found = [message.OscMessage(packet) for packet in packets]
            return [(m.address, m.params) for m in found]

        yield server.getsockname()[1], read


def test_osc_says_readings_reasons_and_the_pulse(listener):
    port, read = listener
    outlet = OscOutlet(f"127.0.0.1:{port}")
    outlet.send([report_at(10.0, person=3)], offset=0.0)
    outlet.send([report_at(11.0, person=3)], offset=0.0)
    outlet.close()
    heart, breath, *pulses, heart_again, _, last = read(2 + 4 + 3)
    assert heart[0] == "/camvitals/heart_rate" and heart == heart_again
    assert heart[1] == pytest.approx([3, 72.0, 71.0, 73.5, 0.9])
    assert breath == ("/camvitals/respiration_rate/withheld", [3, "too short"])
    assert {address for address, _ in pulses} == {"/camvitals/pulse"}
    values = np.concatenate([params[3:] for _, params in pulses])
    assert values == pytest.approx(report_at(10.0).wave("pulse").values, abs=1e-5)
    assert last[1][1] == pytest.approx(10.0) and last[1][2] == pytest.approx(1 / RATE)
    assert len(last[1]) == 3 + 25


def test_osc_needs_no_listener():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    outlet = OscOutlet(f"127.0.0.1:{port}")
    for _ in range(3):
        outlet.send([report_at(10.0)], offset=0.0)
    outlet.close()


@pytest.mark.parametrize("address", ["", "9000", "host:", "host:0", "host:99999", ":9000"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(InputError, match="--osc needs HOST:PORT"):
        OscOutlet(address)


@pytest.mark.parametrize(
    ("library", "make"),
    [
        ("pylsl", lambda: LslOutlet("x")),
        ("pythonosc.udp_client", lambda: OscOutlet("127.0.0.1:9000")),
    ],
)
def test_a_missing_library_is_named(library, make, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=r"install it with pip install 'camvitals\[live\]'"):
        make()


def inlet_of(pylsl, name):
    (info,) = pylsl.resolve_byprop("name", name, minimum=1, timeout=10)
    inlet = pylsl.StreamInlet(info)
    inlet.open_stream(timeout=10)
    return inlet


def pulled(inlet, count):
    samples, stamps = [], []
    while len(stamps) < count:
        chunk, times = inlet.pull_chunk(timeout=5.0, max_samples=count)
        assert times, "nothing came"
        samples += chunk
        stamps += times
    return samples, stamps


def test_lsl_carries_pulse_rates_and_reasons_with_their_times():
    pylsl = pytest.importorskip("pylsl")
    name = f"test-{monotonic():.6f}"
    outlet = LslOutlet(name)
    pulse, rates, markers = (inlet_of(pylsl, f"{name}{end}") for end in ("", "-rates", "-markers"))
    offset = monotonic() - 10.0  # second 10 of the clock is now
    shift = pylsl.local_clock() - 10.0
    outlet.send([report_at(10.0)], offset=offset)
    outlet.send([report_at(11.0, why="the head moves")], offset=offset)
    samples, stamps = pulled(pulse, 275)
    wave = report_at(10.0).wave("pulse")
    assert np.ravel(samples[:250]) == pytest.approx(wave.values, abs=1e-5)
    assert np.isnan(np.ravel(samples[250:])).all()
    assert np.array(stamps[:250]) - shift == pytest.approx(wave.time, abs=0.05)
    (first, second), ends = pulled(rates, 2)
    assert first[:4] == pytest.approx([72.0, 71.0, 73.5, 0.9])
    assert np.isnan(second[:3]).all() and len(first) == len(RATES) * len(FACTS)
    assert np.diff(ends) == pytest.approx(1.0, abs=0.05)
    said, _ = pulled(markers, 2)
    assert said == [["heart_rate"], ["heart_rate withheld: the head moves"]]
    channel = rates.info().desc().child("channels").child("channel")
    assert channel.child_value("label") == "heart_rate" and channel.child_value("unit") == "bpm"
    outlet.close()
