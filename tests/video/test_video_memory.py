from camvitals.video import memory


def test_handing_back_is_harmless_with_and_without_the_c_library(monkeypatch):
    memory.hand_back()
    memory._trim.cache_clear()
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())
    assert memory._trim() is None
    memory.hand_back()
    memory._trim.cache_clear()
