"""Heart rate by DenseNet-161 behind frozen weights: system C as published, repaired, and beyond.

python benchmarks/transfer.py KEEP --weights hub

makes the table of results/transfer with all of these; docs/transfer.md says what came of it.
"""

from dataclasses import replace

from camvitals.train.transfer.recipe import Transfer


def published() -> Transfer:
    """As its code has it, slips and all: blue for red, a trunk that drifts, bpm as they are."""
    return Transfer(
        name="published",
        colours="BGR",
        labels="published",
        drift=True,
        standardised=False,
        choose_by="frames",
        epochs=15,
        batch=32,
        step=1e-3,
    )


def still() -> Transfer:
    """The same behind a trunk that stands still: what the drift alone does."""
    return replace(published(), name="still trunk", drift=False)


def longer() -> Transfer:
    """Twenty times as many updates: the head starts at 0 bpm and has far to go."""
    return replace(still(), name="longer", epochs=300)


def standardised() -> Transfer:
    """And with features and target of mean 0 and spread 1."""
    return replace(still(), name="standardised", standardised=True)


def relabelled() -> Transfer:
    """And with labels by R peaks at the pictures' own times, and colours the right way round."""
    return replace(standardised(), name="clean labels, RGB", labels="clean", colours="RGB")


def repaired() -> Transfer:
    """All of it, chosen by people or videos that were not learnt from."""
    return replace(relabelled(), name="repaired", choose_by="groups", epochs=60, weight_decay=1e-2)


def classes() -> Transfer:
    """Slow, normal or fast, below 60 and above 100 bpm."""
    return replace(repaired(), name="classes", model="densenet-classes")


def bins() -> Transfer:
    """Bins of 2 bpm with a soft label."""
    return replace(repaired(), name="bins", model="densenet-bins")


def recurrent() -> Transfer:
    """A recurrent head over frames, which could see a pulse."""
    return replace(
        repaired(),
        name="recurrent",
        model="densenet-recurrent",
        length=40,
        epochs=80,
        speeds=(0.85, 1.2),
    )


def attention() -> Transfer:
    """An attention head over frames."""
    return replace(recurrent(), name="attention", model="densenet-attention")
