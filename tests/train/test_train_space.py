"""What a search may vary: read from words, checked, planned."""

from dataclasses import replace
from functools import partial

import pytest

from camvitals.models import model
from camvitals.records import InputError
from camvitals.train.space import (
    Range,
    checked,
    drawn,
    grid,
    names_of,
    parse_vary,
    tell_unknown_option,
    value_at,
)
from camvitals.train.study import planned


def test_words_become_values_and_ranges():
    found = parse_vary(
        ["batch=4,8", "optimiser.step=1e-4:1e-2:log", "epochs=2:9", "model.options.w=[[1,2],[3]]"]
    )
    assert found == {
        "batch": ("4", "8"),
        "optimiser.step": Range(1e-4, 1e-2, log=True),
        "epochs": Range(2, 9),
        "model.options.w": ([1, 2], [3]),
    }


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("batch", "--vary needs KEY=v1,v2"),
        ("step=1:2:cubic", r"low:high or low:high:log but got '1:2:cubic'"),
        ("step=2:1", "low < high"),
        ("step=0:1:log", "low > 0 with log"),
        ("step=[1,2", "needs a JSON list"),
    ],
)
def test_words_that_are_none(word, said):
    with pytest.raises(InputError, match=said):
        parse_vary([word])
    with pytest.raises(InputError, match="given twice"):
        parse_vary(["a=1", "a=2"])


def test_values_take_the_type_of_their_field(tiny):
    found = checked(tiny, parse_vary(["batch=4,8", "optimiser.name=adam,sgd", "clip_norm=5,none"]))
    assert found == {"batch": (4, 8), "optimiser.name": ("adam", "sgd"), "clip_norm": (5.0, None)}
    ends = checked(tiny, {"optimiser.step": Range(1, 2)})["optimiser.step"]
    assert not ends.whole
    assert checked(tiny, {"model.options.width": Range(1, 2)})["model.options.width"].whole


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, "something to vary"),
        ({"batch": ()}, "batch has no values to try"),
        ({"batch": (4, "4")}, "batch has 4 twice"),
        ({"batch": ("many",)}, "batch needs a whole number but got 'many'"),
        ({"batch": (0,)}, "batch needs a whole number >= 1"),
        ({"optimizer.step": (1e-3,)}, r"not 'optimizer'; did you mean optimiser\.step"),
        ({"loss.0.wieght": (1.0,)}, r"did you mean loss\.0\.weight"),
        ({"optimiser.name": Range(1, 2)}, "one of 'adam'"),
    ],
)
def test_what_cannot_be_varied(space, said, tiny):
    with pytest.raises(InputError, match=said) as stopped:
        checked(tiny, space)
    assert "\n" not in str(stopped.value)


def test_an_option_that_the_model_does_not_take():
    build = partial(model("tracenet").build, size=(6, 3))
    tell_unknown_option(build, {"model.options.width": (8,), "batch": (4,)}, name="tracenet")
    with pytest.raises(InputError, match="no option 'widht'; did you mean width"):
        tell_unknown_option(build, {"model.options.widht": (8,)}, name="tracenet")
    tell_unknown_option(build, {"model.options.depth": Range(1, 3)}, name="tracenet")


def test_names_and_values_of_a_recipe(tiny):
    names = names_of(tiny)
    assert {"optimiser.step", "loss.0.name", "corpus.fixed.light", "epochs"} <= set(names)
    assert value_at(tiny, "loss.0.name") == "negative_pearson"
    assert value_at(tiny, "corpus.fixed.light") == "daylight"
    assert value_at(tiny, "model.options.width") is None


def test_a_grid_has_every_combination_once_in_a_drawn_order():
    space = {"a": (1, 2, 3), "b": ("x", "y")}
    found = grid(space, seed=0)
    assert len(found) == 6
    assert {(one["a"], one["b"]) for one in found} == {(a, b) for a in (1, 2, 3) for b in "xy"}
    assert found == grid(space, seed=0) != grid(space, seed=1)
    with pytest.raises(InputError, match="b has a range"):
        grid({"a": (1,), "b": Range(0, 1)}, seed=0)
    with pytest.raises(InputError, match="1000000 combinations"):
        grid({name: tuple(range(100)) for name in "abc"}, seed=0)


def test_more_draws_begin_with_the_same():
    space = {"a": Range(1e-4, 1.0, log=True), "b": Range(1, 3), "c": (True, None)}
    some = planned(space, "random", trials=40, seed=3)
    assert planned(space, "random", trials=60, seed=3)[:40] == some
    assert {one["b"] for one in some} == {1, 2, 3}
    assert sum(one["a"] < 1e-2 for one in some) == pytest.approx(20, abs=8)  # half of the decades
    assert all(1e-4 <= one["a"] <= 1 for one in some)
    assert next(drawn(space, seed=3)) == some[0]
    few = planned({"a": (1, 2)}, "random", trials=9, seed=0)
    assert sorted(one["a"] for one in few) == [1, 2]
    with pytest.raises(InputError, match="say how many trials"):
        planned(space, "tpe", trials=None, seed=0)


def test_a_search_needs_known_words(tiny):
    from camvitals.train.search import Search

    plain = Search(recipe=tiny, space={"batch": (1,)})
    for field, value in (("sampler", "luck"), ("prune", "all"), ("folds", 0), ("trials", 0)):
        with pytest.raises(InputError, match=field):
            replace(plain, **{field: value})
