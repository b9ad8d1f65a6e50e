"""Open Sound Control: readings and pulse as messages over UDP."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from camvitals.live.news import News
from camvitals.records import InputError, Reading, Report

SAMPLES = 64  # of the pulse in a message, so that it fits in one packet


class OscOutlet:
    """Sends to HOST:PORT, for every person and report.

    /camvitals/NAME            person, value, low, high, quality
    /camvitals/NAME/withheld   person, why
    /camvitals/pulse           person, time of the first sample [s], seconds between two, values …

    with NAME as in reports: heart_rate, respiration_rate, hrv_sdnn … Nobody need listen. Raises
    InputError when python-osc is missing, or the address is none.
    """

    def __init__(self, address: str) -> None:
        parts = re.fullmatch(r"\[?(?P<host>[^\]]+)\]?:(?P<port>\d{1,5})", address)
        if parts is None or not 0 < int(parts["port"]) < 65536:
            raise InputError(f"--osc needs HOST:PORT but got {address!r}; give 127.0.0.1:9000")
        self._client, self._builder = _client(parts["host"], int(parts["port"]))
        self._news = News()
        self.note = f"OSC {address}"

    def send(self, reports: Sequence[Report], *, offset: float) -> None:  # noqa: ARG002
        """Send what is new of everybody; a network that is away loses it."""
        for report in reports:
            try:
                for reading in report.readings:
                    self._send_reading(report.person, reading)
                self._send_pulse(report)
            except OSError:  # datagrams may be lost, and a network may come back
                return

    def close(self) -> None:
        """Let go of the socket."""
        self._client._sock.close()

    def _send_reading(self, person: int, reading: Reading) -> None:
        where = f"/camvitals/{reading.name}"
        if reading.value is None or reading.low is None or reading.high is None:
            self._send(f"{where}/withheld", person, reading.why)
            return
        numbers = (reading.value, reading.low, reading.high, reading.quality)
        self._send(where, person, *map(float, numbers))

    def _send_pulse(self, report: Report) -> None:
        time, values = self._news.of(report)
        step = float(time[1] - time[0]) if len(time) > 1 else 0.0
        for at in range(0, len(time), SAMPLES):
            part = values[at : at + SAMPLES].tolist()
            self._send("/camvitals/pulse", report.person, float(time[at]), step, *part)

    def _send(self, where: str, person: int, *rest: Any) -> None:
        message = self._builder(address=where)
        message.add_arg(person, "i")
        for k, value in enumerate(rest):
            # a time needs more digits than 32 bits hold
            is_time = where.endswith("/pulse") and k == 0
            message.add_arg(value, "s" if isinstance(value, str) else "d" if is_time else "f")
        self._client.send(message.build())


def _client(host: str, port: int) -> tuple[Any, Any]:
    try:
        from pythonosc.osc_message_builder import OscMessageBuilder
        from pythonosc.udp_client import UDPClient
    except ImportError as error:
        raise InputError(
            "--osc needs python-osc; install it with pip install 'camvitals[live]'"
        ) from error
    try:
        return UDPClient(host, port), OscMessageBuilder
    except OSError as error:
        raise InputError(
            f"--osc: no address for {host!r} ({error.strerror or error}); check the name"
        ) from error
