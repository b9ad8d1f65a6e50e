"""Recipes: to JSON and back, changed by words, loaded from the user's own files."""

import json
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Union, get_args, get_origin, get_type_hints

import pytest
import torch

from camvitals.records import InputError
from camvitals.train.cached import CacheClips
from camvitals.train.clips import Clip, MadeClips, MadeTraces
from camvitals.train.enhance.pairs import PairClips
from camvitals.train.labelled import LabelClips
from camvitals.train.prune.wanted import Prune
from camvitals.train.recipe import (
    CORPORA,
    Augment,
    Evaluation,
    Model,
    Optimiser,
    Recipe,
    Schedule,
    Term,
    load_recipe,
)
from camvitals.train.schedule import SCHEDULES, share_of_step

ROOT = Path(__file__).parents[2]
VALUES = (1, 2, 3, 30, 60, 0)  # one of them is in the range of any number
FULL = Recipe(
    name="full",
    model=Model(name="physnet", options={"size": (36, 36)}, weights="a.safetensors", frozen=("a",)),
    corpus=CacheClips(folder="cache", held_out=0.3, corpora=("pure", "ubfc-rppg-2")),
    clip=Clip(128, 29.97, 0.25),
    loss=(Term(name="negative_pearson"), Term(name="snr", weight=0.1, options={"half_width": 0.2})),
    augmentation=(Augment(name="flip", options={"share": 0.5}),),
    optimiser=Optimiser(name="adadelta", step=1.0, options={"rho": 0.95, "eps": 1e-7}),
    schedule=Schedule(name="cosine", warm_up=10),
    evaluation=Evaluation(protocol="heartratenet", patience=3),
    clip_norm=None,
)
SMALL = Recipe(
    name="small",
    model=Model(name="physnet"),
    corpus=MadeClips(size=36),
    clip=Clip(64, 30.0),
    loss=(Term(name="mse"),),
    steps=5,
)


@pytest.mark.parametrize(
    "recipe", [FULL, SMALL, replace(SMALL, corpus=MadeTraces(fixed={"size": (64, 48)}))]
)
def test_json_gives_the_same_recipe_back(recipe):
    again = Recipe.from_json(recipe.to_json())
    assert again == recipe
    assert again.hash == recipe.hash


def test_recipes_are_frozen():
    with pytest.raises(FrozenInstanceError):
        FULL.batch = 3


def test_the_hash_moves_with_what_is_learnt_only():
    assert replace(FULL, epochs=99, save_every=7, name="other").hash == FULL.hash
    assert replace(FULL, seed=1).hash != FULL.hash
    other = FULL.with_settings({"optimiser.step": 2, "model.options.size": [72, 72]})
    assert FULL.differences(other) == [
        "model.options.size.0 36 / 72",
        "model.options.size.1 36 / 72",
        "optimiser.step 1.0 / 2.0",
    ]


@pytest.mark.parametrize(
    ("key", "word", "found"),
    [
        ("optimiser.step", "1e-4", lambda r: r.optimiser.step == 1e-4),
        ("batch", "16", lambda r: r.batch == 16),
        ("steps", "none", lambda r: r.steps is None),
        ("steps", "1e3", lambda r: r.steps == 1000 and isinstance(r.steps, int)),
        ("evaluation.patience", "5", lambda r: r.evaluation.patience == 5),
        ("corpus.corpora", "pure,cohface", lambda r: r.corpus.corpora == ("pure", "cohface")),
        ("loss.1.weight", "0.5", lambda r: r.loss[1].weight == 0.5),
        ("loss.1.options.half_width", "0.3", lambda r: r.loss[1].options == {"half_width": 0.3}),
        ("model.options.width", "32", lambda r: r.model.options["width"] == 32),
        ("model.options.kind", "wide", lambda r: r.model.options["kind"] == "wide"),
        ("precision", "bf16-mixed", lambda r: r.precision == "bf16-mixed"),
    ],
)
def test_words_become_the_type_of_the_field(key, word, found):
    assert found(FULL.with_settings({key: word}))


@pytest.mark.parametrize(
    ("key", "word", "said"),
    [
        ("optimizer.step", "1", "Recipe has name, model, .* not 'optimizer'"),
        ("optimiser.lr", "1", "Optimiser has name, step, weight_decay, options, not 'lr'"),
        ("optimiser.step", "fast", "optimiser.step needs a number but got 'fast'"),
        ("batch", "2.5", "batch needs a whole number but got '2.5'"),
        ("batch", "none", "batch needs a whole number but got 'none'"),
        ("steps", "many", "steps needs a whole number or none but got 'many'"),
        ("optimiser.name", "lion", "one of 'adam', 'adamw', 'sgd', 'adadelta' but got 'lion'"),
        ("loss.2.weight", "1", "a number from 0 to 1 and a field"),
        ("loss", "mse", "loss needs values between commas but got 'mse'"),
        ("corpus", "made", "its fields one by one"),
        ("batch.size", "1", "batch is one value"),
        ("batch", "0", "batch needs a whole number >= 1 but got 0"),
        ("optimiser.step", "-1", "optimiser needs step > 0"),
        ("evaluation.protocol", "ours", "rppg-toolbox, li2014, heartratenet but got 'ours'"),
        ("clip.rate", "0", "a clip needs length >= 2, rate > 0"),
    ],
)
def test_a_wrong_setting_is_told_with_what_there_is(key, word, said):
    with pytest.raises(InputError, match=said):
        FULL.with_settings({key: word})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "no recipe of this format"),
        ("{", "needs JSON but is none"),
        ('{"format": 1}', r"lacks \['name', 'model', 'corpus', 'clip', 'loss'\]"),
        (SMALL.to_json().replace('"made-clips"', '"films"'), "corpus needs kind made-traces"),
        (SMALL.to_json().replace('"batch": 8', '"bach": 8'), "unknown .*bach"),
        (SMALL.to_json().replace('"batch": 8', '"batch": "x"'), "recipe.batch needs a whole"),
    ],
)
def test_json_that_is_no_recipe_is_told(text, said):
    with pytest.raises(InputError, match=said):
        Recipe.from_json(text)


def test_json_that_names_python_is_refused_unless_it_is_ones_own():
    text = replace(SMALL, objective="evil.py:steal").to_json()
    with pytest.raises(InputError, match=r"names Python of its own, evil\.py:steal"):
        Recipe.from_json(text)
    assert Recipe.from_json(text, own_code=True).objective == "evil.py:steal"


def test_made_clips_need_a_number_of_steps():
    with pytest.raises(InputError, match="made clips have no end"):
        replace(SMALL, steps=None)


def test_a_value_that_json_cannot_hold_is_told():
    with pytest.raises(InputError, match=r"name what it stands for as FILE\.py:NAME"):
        replace(SMALL, model=Model(name="physnet", options={"act": len}))


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "mine.py"
        path.write_text(text)
        return path

    return write


HEAD = "from camvitals.train.recipe import *\nfrom camvitals.train.clips import Clip, MadeTraces\n"
BODY = (
    "def {name}():\n    return Recipe(name='{name}', model=Model(name='physnet'), "
    "corpus=MadeTraces(), clip=Clip(9, 30.0), loss=(Term(name='mse'),), steps=1)\n"
)


def test_a_recipe_is_loaded_from_a_file(file):
    one = file(HEAD + BODY.format(name="one"))
    assert load_recipe(f"{one}:one").name == "one"
    assert load_recipe(str(one)).name == "one"  # the only function


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        (
            HEAD + BODY.format(name="one") + BODY.format(name="two"),
            "",
            "one, two, .* must be named",
        ),
        (HEAD + BODY.format(name="one"), ":two", "has one, but not 'two'"),
        ("x = 1 +\n", "", "does not run: SyntaxError near line 1"),
        ("\n\nx = 1 / 0\n", ":x", "does not run: ZeroDivisionError near line 3"),
        ("def f():\n    return 3\n", ":f", "must return a Recipe but returned int"),
    ],
)
def test_a_file_without_the_recipe_is_told(file, text, name, said):
    with pytest.raises(InputError, match=said):
        load_recipe(f"{file(text)}{name}")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere.py:f", "there is no such file"),
        ("no.such.module:f", "No module named"),
        ("physnet", "no recipe 'physnet'; give FILE.py:FUNCTION"),
        ("nowhere.json", "no recipe in nowhere.json"),
    ],
)
def test_a_recipe_that_is_nowhere_is_told(name, said):
    with pytest.raises(InputError, match=said):
        load_recipe(name)


def share(name, step, **fields):
    return share_of_step(Schedule(name=name, **fields), step, total=100, per_epoch=10)


def test_schedules_go_as_they_say():
    assert [share("constant", step) for step in (0, 99)] == [1, 1]
    assert [share("cosine", step, final=0.1) for step in (0, 99)] == pytest.approx([1, 0.1])
    assert share("cosine", 49, final=0) + share("cosine", 50, final=0) == pytest.approx(1)
    assert [share("steps", step, every=2, factor=0.5) for step in (19, 20, 40)] == [1, 0.5, 0.25]
    course = [share("one-cycle", step) for step in range(100)]
    assert (course[0], max(course), course[-1]) == pytest.approx((0.04, 1, 4e-6), rel=1e-2)
    assert [share("constant", step, warm_up=3) for step in range(4)] == [0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_stays_between_0_and_1(name):
    assert all(0 < share(name, step, warm_up=5) <= 1 for step in range(100))


def test_one_cycle_is_that_of_torch():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1.0, total_steps=100)
    for step in range(100):
        assert share("one-cycle", step) == pytest.approx(theirs.get_last_lr()[0])
        optimiser.step()
        if step < 99:
            theirs.step()


def parts_of(cls, path=""):
    """Every dataclass that a recipe may hold -> where, as `with_settings` names it."""
    found = {cls: path}
    for name, hint in get_type_hints(cls).items():
        options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        for option in options:
            inner = get_args(option)[0] if get_origin(option) is tuple else option
            if is_dataclass(inner):
                here = f"{path}{name}." + ("0." if inner is not option else "")
                found |= parts_of(inner, here)
    return found


def numbers_of(cls):
    """Field of a dataclass -> the type of number that it is declared as, in a tuple too."""
    for field in fields(cls):
        hint = get_type_hints(cls)[field.name]
        options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        leaves = [leaf for one in options for leaf in (get_args(one) or (one,))]
        kinds = [kind for kind in (int, float) if kind in leaves]
        if len(kinds) == 1:
            yield field.name, kinds[0]


def with_part(cls):
    """A recipe that holds one of these, and it."""
    made = {
        CacheClips: CacheClips(folder="cache"),
        LabelClips: LabelClips(folder="cache"),
        PairClips: PairClips(folder="cache"),
        MadeTraces: MadeTraces(),
        MadeClips: MadeClips(),
        Augment: Augment(name="flip"),
    }
    recipe = replace(FULL, prune=Prune(method="n2nskip"), schedule=Schedule(name="steps"))
    if cls in CORPORA.values():
        return replace(recipe, corpus=made[cls], steps=3), made[cls]
    held = {type(getattr(recipe, f.name)): getattr(recipe, f.name) for f in fields(recipe)}
    held |= {Recipe: recipe, Term: recipe.loss[0], Augment: recipe.augmentation[0]}
    return recipe, held[cls]


def put(recipe, path, part):
    """The recipe with this part where the path says."""
    name, _, rest = path.partition(".")
    if not name:
        return part
    if rest.startswith("0"):
        return replace(recipe, **{name: (part, *getattr(recipe, name)[1:])})
    return replace(recipe, **{name: part})


WRITTEN = [
    pytest.param(cls, path, name, kind, id=f"{cls.__name__}.{name}")
    for cls, path in parts_of(Recipe).items()
    for name, kind in numbers_of(cls)
]


def test_every_part_with_a_number_is_looked_at():
    assert set(CORPORA.values()) | {Clip, Term, Optimiser, Schedule, Evaluation, Prune} <= set(
        parts_of(Recipe)
    )
    named = {one.id for one in WRITTEN}
    assert {"Optimiser.step", "CacheClips.hop", "Recipe.batch", "Prune.factor"} <= named


@pytest.mark.parametrize(("cls", "path", "name", "kind"), WRITTEN)
def test_how_a_number_is_written_moves_nothing(cls, path, name, kind):
    """1 and 1.0 are one recipe: one digest, one JSON, and the same when it is read back."""
    recipe, part = with_part(cls)
    now = getattr(part, name)
    told = {}
    for value in VALUES:
        for written in (int, float):
            many = tuple(map(written, (value,) * len(now))) if isinstance(now, tuple) else None
            try:
                one = replace(part, **{name: many if many is not None else written(value)})
                found = put(recipe, path, one) if path else one
            except InputError:
                continue  # out of range
            told.setdefault(value, []).append(found)
    assert told or 0 < now < 1  # a share of neither none nor all is no whole number
    for whole, broken in told.values():
        assert whole.hash == broken.hash
        assert whole.to_json() == broken.to_json() == Recipe.from_json(whole.to_json()).to_json()
        assert whole.differences(broken) == []


@pytest.mark.parametrize(
    ("recipe", "card"),
    [
        ("recipes/region_pulse.py:region_pulse", "src/camvitals/waves/models/regionpulse.json"),
        ("results/heartratenet/recipe.json", "results/heartratenet/heartratenet-36.json"),
        *(
            (f"results/enhancement/{name}.recipe.json", f"{folder}/{name}{ending}")
            for name, folder, ending in (
                ("enhancer-small-64", "src/camvitals/face/models", ".json"),
                ("recovery-64", "results/enhancement", ".safetensors.json"),
                ("stven-64-narrow", "results/enhancement", ".safetensors.json"),
            )
        ),
    ],
)
def test_a_card_names_its_recipe(recipe, card):
    """By the first digits of its digest, which must last."""
    path, colon, name = recipe.partition(":")
    if path.endswith(".json"):
        found = Recipe.from_json((ROOT / path).read_text("utf-8"), own_code=True)
    else:
        found = load_recipe(f"{ROOT / path}{colon}{name}")
    assert json.loads((ROOT / card).read_text("utf-8"))["version"] == found.hash[:12]
