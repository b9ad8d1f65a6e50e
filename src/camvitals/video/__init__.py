"""Recordings in, frames with their own times out; the only door to PyAV."""

from camvitals.video.open import open_video
from camvitals.video.reader import Video
from camvitals.video.write import write_images, write_video

__all__ = ["Video", "open_video", "write_images", "write_video"]
