"""A small made result, so that tables, plots and pages can be tried without an evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from camvitals.evaluate.protocol import PROTOCOLS
from camvitals.evaluate.result import Excluded, Result, Skipped, columns_of

ERROR_BPM = {"auto": 1.0, "pos": 2.5, "chrom": 3.0, "green": 6.0}


def example(
    *,
    subjects: int = 12,
    windows: int = 10,
    methods: Sequence[str] = tuple(ERROR_BPM),
    protocol: str = "ours",
    seed: int = 0,
) -> Result:
    """Heart rates whose errors are drawn: normal, as large as ERROR_BPM says (4 for others).

    About one in ten estimates is withheld. Strata tone, light and motion go with the subject;
    green is worse on dark skin. The same arguments give the same numbers.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(1, subjects + 1):
        tone = str(1 + number % 6)
        light, motion = ("daylight", "lamp")[number % 2], ("still", "talk")[number % 3 == 0]
        truth = rng.uniform(55, 110) + np.cumsum(rng.normal(0, 1.5, windows))
        for method in methods:
            size = ERROR_BPM.get(method, 4.0) * (2 if method == "green" and tone > "4" else 1)
            for k in range(windows):
                given = rng.random() > 0.1
                estimate = truth[k] + size * rng.standard_normal()
                rows.append(
                    {
                        "corpus": "made",
                        "recording": f"{number:02d}/1",
                        "subject": f"{number:02d}",
                        "method": method,
                        "vital": "heart_rate",
                        "why": "" if given else "no pulse stands out from noise",
                        "start": 10.0 * k,
                        "stop": 10.0 * (k + 1),
                        "estimate": estimate if given else np.nan,
                        "low": estimate - 2 * size if given else np.nan,
                        "high": estimate + 2 * size if given else np.nan,
                        "quality": rng.uniform(0.7, 1.0) if given else rng.uniform(0.0, 0.7),
                        "reference": truth[k],
                        "snr_dehaan": 8 - size + rng.standard_normal(),
                        "snr_toolbox": 6 - size + rng.standard_normal(),
                        "macc": float(np.clip(0.9 - 0.05 * size, 0, 1)),
                        "stratum.tone": tone,
                        "stratum.light": light,
                        "stratum.motion": motion,
                    }
                )
    return Result(
        PROTOCOLS[protocol],
        columns_of(rows, ("tone", "light", "motion")),
        (Excluded("made", "01/1", "heart_rate", "the reference is not usable", 2),),
        (Skipped("made", "99/1", "its video is missing"),),
        {"camvitals": "0"},
    )
