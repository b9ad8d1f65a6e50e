"""The learned pulse that comes with the package: RegionPulse, on made people alone.

camvitals train recipes/region_pulse.py:region_pulse --out runs/regionpulse
camvitals export runs/regionpulse --stream --warm-up 3 --out regionpulse.onnx

No real recording is read. A third of its people have no pulse, so that it learns not to see one.
"""

from camvitals.data.synthetic.traces import REGIONS
from camvitals.models.regionpulse import DELAY
from camvitals.train.clips import Clip, MadeTraces
from camvitals.train.recipe import Augment, Evaluation, Model, Optimiser, Recipe, Schedule, Term

RATE_HZ = 30.0


def region_pulse() -> Recipe:
    """A network of 78,000 numbers on the colours of seven regions: an hour on two cores."""
    return Recipe(
        name="regionpulse",
        model=Model(name="regionpulse", delay=DELAY),
        corpus=MadeTraces(regions=REGIONS, people="varied"),
        clip=Clip(450, RATE_HZ),
        augmentation=(Augment(name="unsteady", options={"share": 0.5}),),
        objective="trusted",
        loss=(Term(name="negative_pearson"), Term(name="frequency", weight=0.2)),
        optimiser=Optimiser(name="adamw", step=3e-3, weight_decay=1e-3),
        schedule=Schedule(name="one-cycle"),
        evaluation=Evaluation(protocol="heartratenet", window=15.0, count=256, metric="loss"),
        epochs=20,
        steps=75,
        batch=64,
    )
