"""The built page: small enough, whole, and of the files that this package has."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "camvitals"
STATIC = PACKAGE / "app" / "static"
RUNTIME = "ort-wasm-simd-threaded.wasm.gz"
MOST = 8e6
NETWORKS = {
    "blazeface_short.onnx": PACKAGE / "face" / "models",
    "facemesh468.onnx": PACKAGE / "face" / "models",
    "regionpulse.onnx": PACKAGE / "waves" / "models",
}
PACKED = {".gz", ".png", ".woff2"}

pytestmark = pytest.mark.skipif(
    not (STATIC / "index.html").is_file(), reason="the page is not built; run `npm run app` in web/"
)


def test_page_takes_at_most_8_mb_compressed() -> None:
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    sizes = {
        path: path.stat().st_size
        if path.suffix in PACKED
        else len(gzip.compress(path.read_bytes(), 6))
        for path in files
    }
    assert sum(sizes.values()) <= MOST, sizes


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_the_page_are_those_of_the_package(name: str) -> None:
    assert (STATIC / "models" / name).read_bytes() == (NETWORKS[name] / name).read_bytes()


def test_runtime_is_the_one_of_the_notice() -> None:
    digest = hashlib.sha256(gzip.decompress((STATIC / RUNTIME).read_bytes())).hexdigest()
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert digest in notice
    assert "onnxruntime-web" in notice


def test_page_names_no_other_host_to_load_from() -> None:
    for path in STATIC.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text), path.name
