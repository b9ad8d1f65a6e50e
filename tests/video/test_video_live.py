import http.server
import threading
import time
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from camvitals.records import InputError
from camvitals.video import open_video
from camvitals.video.camera import LiveReader
from camvitals.video.container import open_container
from camvitals.video.reader import Video
from camvitals.video.write import write_video


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and under /live an endless stream of JPEG pictures at 20 Hz."""

    jpeg = b""

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path != "/live":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            for _ in range(400):
                head = f"--frame\r\nContent-type: image/jpeg\r\nContent-length: {len(self.jpeg)}"
                self.wfile.write(head.encode() + b"\r\n\r\n" + self.jpeg + b"\r\n")
                time.sleep(0.05)
        except OSError:
            pass


@pytest.fixture
def server(tmp_path):
    handler = partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{made.server_address[1]}"
        made.shutdown()
        thread.join()


def camera(rate, size="64x48", length=""):
    """FFmpeg's test picture in real time: a camera without the device."""
    text = f"testsrc=size={size}:rate={rate}{length},format=yuv420p,realtime"
    return LiveReader(open_container(text, name="test camera", format="lavfi"), name="test camera")


def test_file_behind_a_url_keeps_its_own_times(clip, server):
    path = clip(count=45)
    with open_video(f"{server}/{path.name}") as video:
        frames = list(video)
    assert np.allclose([f.time for f in frames], np.arange(45) / 30, atol=6e-6)
    assert video.source.warnings == ()


def test_live_stream_has_arrival_times_and_ends_when_told(server, patches, tmp_path):
    import av

    context = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt, context.time_base = (
        144,
        96,
        "yuvj420p",
        Fraction(1, 20),
    )
    picture = av.VideoFrame.from_ndarray(patches, format="rgb24").reformat(format="yuvj420p")
    Quiet.jpeg = b"".join(bytes(p) for p in [*context.encode(picture), *context.encode(None)])
    with open_video(f"{server}/live", stop=1.5) as video:
        before = time.monotonic()
        frames = list(video)
        after = time.monotonic()
    stamps = np.array([f.time for f in frames])
    assert before - 0.1 < stamps[0] < stamps[-1] < after
    assert 10 < len(frames) <= 31
    assert 0.03 < np.median(np.diff(stamps)) < 0.08
    assert video.expected is None
    assert np.abs(frames[0].rgb()[20:28, 20:28].mean((0, 1)) - patches[24, 24]).max() < 6


def test_camera_runs_until_closed_from_elsewhere():
    video = Video(camera(50))
    threading.Timer(0.6, video.close).start()
    frames = [(frame.time, time.monotonic()) for frame in video]
    assert 5 < len(frames) < 60
    assert all(0 <= seen - arrived < 0.5 for arrived, seen in frames)
    assert video.source.frames == len(frames)
    assert list(video) == []


def test_slow_consumer_gets_fresh_frames_and_is_told():
    late = []
    with Video(camera(200, length=":duration=1")) as video:
        for frame in video:
            time.sleep(0.03)
            late.append(time.monotonic() - frame.time)
    assert max(late) < 0.9
    assert 10 < len(late) < 150
    assert any("arrived faster than they were used" in w for w in video.source.warnings)


def test_camera_that_is_never_read_closes():
    before = threading.active_count()
    with Video(camera(30)) as video:
        pass
    assert video.source.frames == 0
    assert threading.active_count() == before


def test_missing_cameras_and_servers_are_refused(server):
    for source in (77, "77", "camera:77", "/dev/video77"):
        with pytest.raises(InputError, match=r"no camera at /dev/video77 \(found: "):
            open_video(source)
    with pytest.raises(InputError, match="own clock"):
        open_video("camera:77", time=[0, 1])
    for url in (f"{server}/nothing.mp4", "http://127.0.0.1:9/a.mp4", "rtsp://127.0.0.1:9/live"):
        with pytest.raises(InputError, match="cannot be opened") as caught:
            open_video(url)
        assert "\n" not in str(caught.value)


def test_password_in_a_url_is_not_shown():
    with pytest.raises(InputError, match=r"rtsp://127.0.0.1:9/x cannot be opened") as caught:
        open_video("rtsp://eve:secret@127.0.0.1:9/x")
    assert "secret" not in str(caught.value)


def test_file_named_like_a_camera_is_a_file(tmp_path, shades, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video("a.mp4", shades(3), time=[0, 0.1, 0.2])
    (tmp_path / "a.mp4").rename(tmp_path / "0")
    with open_video("0") as video:
        assert len(list(video)) == 3
