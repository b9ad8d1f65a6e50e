"""System B pruned ten times, as its authors say it, and the control that they leave out.

camvitals train recipes/pruned.py:system_b
camvitals train recipes/pruned.py:enhancer_alone
camvitals train recipes/pruned.py:structured --set prune.factor=20

Both networks at full width are work for a GPU: these show how the parts are named. Any recipe is
pruned by `--set prune.method=snip --set prune.factor=10`.
"""

from dataclasses import replace

from camvitals.train.clips import Clip, MadeClips
from camvitals.train.prune.wanted import Prune
from camvitals.train.recipe import Evaluation, Model, Optimiser, Recipe, Term

RATE_HZ = 30.0
BOTH = ("enhancer.", "recovery.")


def system_b() -> Recipe:
    """STVEN and rPPGNet together by N2NSkip, one budget: skips stay within each of them."""
    return Recipe(
        name="system-b-pruned",
        model=Model(name="stven-rppgnet"),
        corpus=MadeClips(size=64),
        clip=Clip(64, RATE_HZ),
        loss=(Term(name="negative_pearson"),),
        optimiser=Optimiser(name="adam", step=1e-4),
        evaluation=Evaluation(protocol="heartratenet", window=15.0, count=16),
        prune=Prune(method="n2nskip", factor=10, only=BOTH),
        epochs=15,
        steps=200,
        batch=4,
    )


def enhancer_alone() -> Recipe:
    """The same with the recovery dense: which of the two was pruned is not said."""
    recipe = system_b()
    only = replace(recipe.prune, only=BOTH[:1])
    return replace(recipe, name="system-b-enhancer-pruned", prune=only)


def structured() -> Recipe:
    """Of rPPGNet whole channels are taken out, which is smaller and faster for any library."""
    return replace(
        system_b(),
        name="rppgnet-structured",
        model=Model(name="rppgnet"),
        prune=Prune(method="structured", factor=10),
        batch=8,
    )
