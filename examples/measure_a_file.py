"""Measure a video file: python examples/measure_a_file.py face.mp4."""

import sys

import camvitals


def main(path: str) -> None:
    """Print every reading of the person seen most, or why it is withheld."""
    report = camvitals.measure(path)
    for reading in report.readings:
        if reading.value is None:
            print(f"{reading.name:17} withheld: {reading.why}")
            continue
        spread = f"{reading.low:.1f}–{reading.high:.1f}"
        print(f"{reading.name:17} {reading.value:.1f} {reading.unit} ({spread})")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: measure_a_file.py VIDEO")
    main(sys.argv[1])
