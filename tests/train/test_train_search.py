"""A search: every trial once, whatever happens meanwhile, and the best of them in the end."""

import csv
import fcntl
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.storages.journal import JournalFileBackend

import camvitals.train.search as searching
from camvitals.records import InputError
from camvitals.train.crew import Look
from camvitals.train.loop import Machine, fit
from camvitals.train.recipe import load_recipe
from camvitals.train.search import Search, load_search, search
from camvitals.train.search_tables import best_of
from camvitals.train.space import Range
from camvitals.train.trial import Course, Job, Pruned, run_trial, rungs_of

HERE = Path(__file__).parent
FILE = HERE / "search_recipe.py"


class Here:
    """A crew of one in this process."""

    size = 1

    def __init__(self):
        self.said, self.answers = queue.Queue(), queue.Queue()

    def start(self, job):
        work = threading.Thread(target=lambda: self.said.put(run_trial(job, self.ask)))
        work.start()

    def ask(self, number, at, value):
        self.said.put(Look(number, at, value))
        return self.answers.get()

    def news(self):
        return [self.said.get(timeout=60)]

    def answer(self, number, *, give_up):
        self.answers.put(give_up)

    def close(self):
        pass


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    """Trials in this process; those that start others ask for them by a command."""
    monkeypatch.setattr(searching, "_crew", lambda *_: Here())
    monkeypatch.syspath_prepend(HERE)


@pytest.fixture
def notes(tmp_path, monkeypatch):
    path = tmp_path / "notes.txt"
    path.touch()
    monkeypatch.setenv("NOTES", str(path))
    return path


def named(name, **changed):
    return replace(load_search(f"{FILE}:{name}", {}), **changed)


def command(*words, **environment):
    plain = dict(os.environ) | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    plain |= {"PYTHONPATH": os.pathsep.join([str(HERE), plain.get("PYTHONPATH", "")])}
    return subprocess.run(
        [sys.executable, "-m", "camvitals", "search", *map(str, words)],
        check=False,
        env=plain | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_grid_is_searched_whole_and_its_best_told(tmp_path, notes):
    said = []
    found = search(named("grid"), tmp_path / "a", tell=said.append)
    assert len(notes.read_text().splitlines()) == len(said) == len(found.rows) == 12
    assert found.settings == {"optimiser.step": 1e-3, "model.options.width": 8}
    assert found.best.value == pytest.approx(0, abs=1e-12)
    assert found.recipe.optimiser.step == 1e-3
    with (tmp_path / "a" / "trials.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["trial"] for row in table] == [str(n) for n in range(1, 13)]
    steps = {(row["optimiser.step"], row["model.options.width"]) for row in table}
    assert len(steps) == 12
    assert {row["state"] for row in table} == {"complete"}
    page = (tmp_path / "a" / "trials.md").read_text()
    assert "12 of 12 trials: 12 complete" in page
    assert "| `optimiser.step` | 0.001 | 3 | 0 | 0 |" in page
    assert (tmp_path / "a" / "trials.svg").read_text().startswith("<svg ")
    best = json.loads((tmp_path / "a" / "best.json").read_text())
    assert best["settings"] == found.settings
    assert load_recipe_quietly(tmp_path / "a" / "recipe.json") == found.recipe


def load_recipe_quietly(path):
    from camvitals.train.recipe import Recipe

    return Recipe.from_json(path.read_text(), own_code=True)


def test_a_search_that_has_ended_is_left_alone(tmp_path, notes):
    first = search(named("grid"), tmp_path / "a")
    ran = notes.read_text()
    again = search(named("grid"), tmp_path / "a")
    assert notes.read_text() == ran
    assert again.best == first.best


def test_random_trials_go_on_with_more(tmp_path, notes):
    few = search(named("ranges", trials=4), tmp_path / "a")
    more = search(named("ranges", trials=7), tmp_path / "a")
    assert [row.settings for row in more.rows][:4] == [row.settings for row in few.rows]
    assert len(notes.read_text().splitlines()) == len(more.rows) == 7
    whole = search(named("ranges", trials=7), tmp_path / "b")
    assert [row.settings for row in whole.rows] == [row.settings for row in more.rows]


def test_tpe_learns_from_trials_before(tmp_path):
    drawn = search(named("ranges", trials=10), tmp_path / "a")
    wanted = named("ranges", sampler="tpe", trials=15)
    search(wanted, tmp_path / "b")
    found = search(replace(wanted, trials=30), tmp_path / "b")
    assert len({str(row.settings) for row in found.rows}) > 25
    assert found.best.value < drawn.best.value


def test_looks_are_at_twice_as_many_epochs_and_fold_by_fold():
    assert rungs_of(16, 4) == (4, 8, 16)
    assert rungs_of(20, 4) == (4, 8, 16, 20)
    assert rungs_of(2, 4) == (2,)
    asked = []
    job = Job(
        number=0, base=None, settings={}, work="", folds=2, fold_key="", rungs=(2, 4, 8), folder=""
    )
    course = Course(job, lambda number, at, value: asked.append((at, value)))
    for epoch, value in enumerate([5.0, float("nan"), 3.0, 4.0], start=1):
        course.tell(epoch, value)
    course.end_fold(2.0)  # by early stopping, before the last look
    assert asked == [(1, 5.0), (2, 3.0), (3, 2.0)]
    course.tell(1, 9.0)
    course.tell(2, 4.0)
    assert asked[-1] == (4, 3.0)
    with pytest.raises(InputError, match="fold 1 has no value"):
        course.end_fold(float("nan"))
    hopeless = Course(job, lambda *_: True)
    with pytest.raises(Pruned):
        hopeless.tell(2, 1.0)


def test_nothing_is_given_up_in_folds_that_are_to_be_whole(tmp_path):
    found = search(named("grid", prune="median", folds=3, whole=2), tmp_path)
    pruned = [row for row in found.rows if row.state == "pruned"]
    assert pruned
    assert {len(row.folds) for row in pruned} == {2}


def test_hopeless_trials_are_given_up_and_the_best_is_not(tmp_path):
    for prune in ("median", "hyperband"):
        wanted = named("grid", prune=prune, folds=3)
        found = search(wanted, tmp_path / prune)
        states = [row.state for row in found.rows]
        assert {"complete", "pruned"} == set(states)
        pruned = [row for row in found.rows if row.state == "pruned"]
        assert all(len(row.folds) < 3 and row.value > found.best.value for row in pruned)
        assert "worse than most others after" in pruned[0].why
    whole = search(named("grid", folds=3), tmp_path / "whole")
    assert {row.state for row in whole.rows} == {"complete"}
    assert whole.best.settings == {"optimiser.step": 1e-3, "model.options.width": 8}
    median = json.loads((tmp_path / "median" / "best.json").read_text())
    assert median["settings"] == whole.best.settings


def test_a_trial_without_a_number_fails_and_the_search_goes_on(tmp_path, notes):
    wanted = named("grid", work=f"{FILE}:holed")
    found = search(wanted, tmp_path / "a")
    why = {row.settings["optimiser.step"]: row.why for row in found.rows if row.state == "failed"}
    assert why == {
        1e-4: "fold 0 has no value but nan",
        1e-1: "ZeroDivisionError: no step that long",
    }
    assert sum(row.state == "complete" for row in found.rows) == 6
    assert found.settings["optimiser.step"] == 1e-3
    ran = notes.read_text()
    assert search(wanted, tmp_path / "a").best == found.best
    assert notes.read_text() == ran
    assert "failed: fold 0 has no value" in (tmp_path / "a" / "trials.md").read_text()


def test_another_search_is_refused(tmp_path):
    search(named("grid"), tmp_path)
    with pytest.raises(InputError, match=r"another recipe: folds 1 / 2; give another folder"):
        search(named("grid", folds=2), tmp_path)
    with pytest.raises(InputError, match=r"recipe\.batch 4 / 8"):
        search(named("grid"), tmp_path, settings={"batch": "8"})
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process is searching in"):
            search(named("grid"), tmp_path)
    (tmp_path / "search.json").write_text("{")
    with pytest.raises(InputError, match=r"search\.json is damaged"):
        search(named("grid"), tmp_path)


def test_a_journal_that_was_cut_goes_on_and_a_damaged_one_is_told(tmp_path, notes):
    search(named("ranges", trials=3), tmp_path)
    journal = tmp_path / "journal.log"
    with journal.open("a") as file:
        file.write('{"op_code": 5, "trial_')
    assert len(search(named("ranges", trials=5), tmp_path).rows) == 5
    assert len(notes.read_text().splitlines()) == 5
    journal.write_text("not a journal\n" * 3)
    with pytest.raises(InputError, match=r"journal\.log is damaged"):
        search(named("ranges", trials=5), tmp_path)


def test_a_full_disk_stops_the_search_and_loses_nothing(tmp_path, monkeypatch, notes):
    count, real = [0], JournalFileBackend.append_logs

    def full(self, logs):
        count[0] += 1
        if count[0] > 40:
            raise OSError(28, "No space left on device")
        real(self, logs)

    monkeypatch.setattr(JournalFileBackend, "append_logs", full)
    with pytest.raises(InputError, match=r"No space left on device.*start the same command again"):
        search(named("grid"), tmp_path / "a")
    monkeypatch.undo()
    monkeypatch.setenv("NOTES", str(notes))
    monkeypatch.setattr(searching, "_crew", lambda *_: Here())
    monkeypatch.syspath_prepend(HERE)
    before = len(notes.read_text().splitlines())
    assert 1 < before < 12
    found = search(named("grid"), tmp_path / "a")
    assert sum(row.state == "complete" for row in found.rows) == 12
    assert len(notes.read_text().splitlines()) <= 13  # the one at hand may have run again


def test_a_trial_that_finds_the_disk_full_is_no_failure(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("camvitals.train.trial._fold", full)
    with pytest.raises(InputError, match="No space left on device"):
        search(named("grid"), tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(searching, "_crew", lambda *_: Here())
    monkeypatch.syspath_prepend(HERE)
    found = search(named("grid"), tmp_path)
    assert sum(row.state == "complete" for row in found.rows) == 12


def test_a_killed_search_runs_what_was_at_work_again_and_nothing_else(tmp_path):
    notes, folder = tmp_path / "notes.txt", tmp_path / "a"
    words = (f"{FILE}:kills", "--folder", folder, "--jobs", 1)
    killed = command(*words, KILLED_SEARCH="0.001 8", NOTES=str(notes))
    assert killed.returncode == -signal.SIGKILL
    ran = notes.read_text().splitlines()
    assert ran[-1] == "killed 0.001 8 1"
    ended = command(*words, NOTES=str(notes))
    assert ended.returncode == 0, ended.stderr
    again = notes.read_text().splitlines()[len(ran) :]
    whole = {f"done {step} {w} {fold}" for step in (0.001, 0.01) for w in (4, 8) for fold in (0, 1)}
    before = {line for line in ran if line.startswith("done")} - {"done 0.001 8 0"}
    assert {line for line in again if line.startswith("done")} == whole - before
    assert "4 complete" in ended.stdout
    assert "best 0.005: optimiser.step=0.001 model.options.width=8" in ended.stdout


def test_a_trial_whose_process_dies_is_lost_and_the_others_are_not(tmp_path):
    words = (f"{FILE}:kills", "--folder", tmp_path / "a", "--jobs", 1)
    found = command(*words, KILLED_TRIAL="0.01 4")
    assert found.returncode == 0, found.stderr
    assert "lost: its process died" in found.stdout
    assert "3 complete" in found.stdout
    assert "1 lost, which the same command runs again" in found.stdout
    again = command(*words)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("trial ") == 1
    assert "4 complete;" in again.stdout
    assert len((tmp_path / "a" / "trials.csv").read_text().splitlines()) == 5


def test_a_search_trains_by_the_loop_as_train_does(tmp_path, tiny):
    space = {"optimiser.step": (1e-3, 1e-2)}
    found = search(Search(recipe=tiny, space=space, folds=2, prune="none"), tmp_path / "a")
    assert {row.state for row in found.rows} == {"complete"}
    row = found.rows[0]
    for fold, value in enumerate(row.folds):
        recipe = tiny.with_settings({**row.settings, "seed": fold})
        alone = fit(recipe, tmp_path / f"alone{fold}", machine=Machine(workers=0, threads=1))
        assert alone.best == value
    kept = sorted(path.name for path in (tmp_path / "a" / "trials").rglob("*") if path.is_file())
    assert "curve.csv" in kept
    assert not [name for name in kept if "safetensors" in name]


def test_a_recipe_and_what_to_vary_on_the_command_line(tmp_path, monkeypatch, capsys):
    from camvitals.cli import main

    words = ["--vary", "optimiser.step=1e-3,1e-2", "--set", "epochs=1", "--set", "steps=1"]
    given = [f"{HERE / 'tiny_recipe.py'}:tiny", *words, "--folder", str(tmp_path / "a")]
    monkeypatch.setattr(sys, "argv", ["camvitals", "search", *given])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert len((tmp_path / "a" / "trials.csv").read_text().splitlines()) == 3
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"camvitals train {HERE / 'tiny_recipe.py'}:tiny --set epochs=1 --set ")
    assert load_recipe(f"{HERE / 'tiny_recipe.py'}:tiny").with_settings(
        dict(word.split("=") for word in last.split()[4::2])
    ) == replace(load_recipe_quietly(tmp_path / "a" / "recipe.json"), name="tiny")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tiny_recipe.py:tiny",), "something to vary"),
        (("tiny_recipe.py:tiny", "--vary", "optimiser.stop=1,2"), "did you mean optimiser.step"),
        (("tiny_recipe.py:tiny", "--vary", "batch="), "batch has no values"),
        (("tiny_recipe.py:tiny", "--vary", "batch=1:8"), "use --sampler random or tpe"),
        (("tiny_recipe.py:tiny", "--vary", "seed=1,2"), "seed cannot be varied"),
        (("tiny_recipe.py:tiny", "--vary", "batch=1,2", "--set", "bach=1"), "did you mean batch"),
        (("search_recipe.py:grid", "--prune", "all"), "prune needs one of median"),
        (("search_recipe.py:bowl",), "must take no arguments"),
        (("search_recipe.py:grid", "--on", "here"), "--on needs ray://HOST:PORT"),
    ],
)
def test_what_cannot_be_searched_is_told_before_the_work(
    words, said, tmp_path, capsys, monkeypatch
):
    from camvitals.cli import main

    monkeypatch.undo()
    monkeypatch.syspath_prepend(HERE)
    given = ["camvitals", "search", str(HERE / words[0]), *words[1:], "--out", str(tmp_path / "a")]
    monkeypatch.setattr(sys, "argv", given)
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert said in told
    assert told.count("\n") == 1


def test_no_trial_that_ends_is_told():
    assert best_of([]) is None


def test_a_range_of_whole_numbers_stays_whole(tmp_path):
    found = search(named("ranges", trials=5), tmp_path)
    assert all(isinstance(row.settings["model.options.width"], int) for row in found.rows)
    assert Range(1, 4).whole
