"""The loop: goes on bit for bit, stops where it must, and learns."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from camvitals.records import InputError
from camvitals.train import loop
from camvitals.train.cards import trained
from camvitals.train.checkpoint import load_tensors
from camvitals.train.curve import CLOCKED, CURVE_COLUMNS, STEP_COLUMNS, Table
from camvitals.train.loop import Machine, fit
from camvitals.train.recipe import load_recipe

HERE = Path(__file__).parent
TINY = f"{HERE / 'tiny_recipe.py'}"
ALONE = Machine(workers=0)
QUIET = ("evaluation.count", 0)


def command(folder, function="killed", *more, **environment):
    """`camvitals train` in a process of its own."""
    words = [sys.executable, "-m", "camvitals", "train", f"{TINY}:{function}"]
    plain = dict(os.environ) | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"} | environment
    return subprocess.run(
        [*words, "--out", str(folder), "--workers", "0", *more],
        check=False,
        env=plain,
        capture_output=True,
        text=True,
        timeout=300,
    )


def curve(folder, columns=STEP_COLUMNS, name="steps.csv"):
    """What a table says but for the clock."""
    found = Table(Path(folder) / name, columns).read()
    return {key: value.tolist() for key, value in found.items() if key not in CLOCKED}


def test_a_killed_training_goes_on_bit_for_bit(tmp_path):
    whole = command(tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    killed = command(tmp_path / "killed", KILLED_IN_STEP="4")
    assert killed.returncode == -signal.SIGKILL
    assert len(curve(tmp_path / "killed")["step"]) == 3  # one of them after the checkpoint
    again = command(tmp_path / "killed")
    assert again.returncode == 0, again.stderr
    assert curve(tmp_path / "killed") == curve(tmp_path / "whole")
    both = [curve(tmp_path / n, CURVE_COLUMNS, "curve.csv") for n in ("whole", "killed")]
    assert str(both[0]) == str(both[1])  # NaN are alike
    for name in ("last.safetensors", "best.safetensors", "recipe.json"):
        files = [(tmp_path / n / name).read_bytes() for n in ("whole", "killed")]
        assert files[0] == files[1], name


def test_a_killed_training_leaves_no_process_behind(tmp_path):
    words = [sys.executable, "-m", "camvitals", "train", f"{TINY}:killed", "--out", str(tmp_path)]
    run = subprocess.Popen(
        [*words, "--workers", "1"],
        env=dict(os.environ) | {"KILLED_IN_STEP": "2"},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    assert run.wait(120) == -signal.SIGKILL
    for _ in range(100):
        try:
            os.killpg(run.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.killpg(run.pid, signal.SIGKILL)
    pytest.fail("processes that make clips outlive the training")


def test_a_training_that_has_ended_is_left_alone(tmp_path, tiny):
    first = fit(tiny, tmp_path, machine=ALONE)
    before = (tmp_path / "last.safetensors").stat().st_mtime_ns
    again = fit(tiny, tmp_path, machine=ALONE)
    assert (tmp_path / "last.safetensors").stat().st_mtime_ns == before
    assert (again.step, again.best) == (first.step, first.best) == (6, first.best)


def test_more_epochs_go_on(tmp_path, tiny):
    fit(tiny, tmp_path / "a", machine=ALONE)
    fit(replace(tiny, epochs=3), tmp_path / "a", machine=ALONE)
    fit(replace(tiny, epochs=3), tmp_path / "b", machine=ALONE)
    assert curve(tmp_path / "a") == curve(tmp_path / "b")


def test_workers_do_not_change_the_curve(tmp_path, tiny):
    quiet = tiny.with_settings({"evaluation.count": 0})
    fit(quiet, tmp_path / "a", machine=ALONE)
    fit(quiet, tmp_path / "b", machine=Machine(workers=2))
    assert curve(tmp_path / "a") == curve(tmp_path / "b")


def test_another_recipe_is_refused(tmp_path, tiny):
    fit(replace(tiny, epochs=1), tmp_path, machine=ALONE)
    with pytest.raises(InputError, match=r"another recipe: batch 4 / 8; give another folder"):
        fit(replace(tiny, batch=8), tmp_path, machine=ALONE)
    with pytest.raises(InputError, match="holds a training; give another folder"):
        fit(tiny, tmp_path, resume=False, machine=ALONE)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good(tmp_path, tiny):
    bad = replace(tiny, objective=f"{TINY}:poisoned")
    with pytest.raises(InputError) as stopped:
        fit(bad, tmp_path, machine=ALONE)
    said = str(stopped.value)
    assert "training stopped at step 5 (epoch 2): the loss negative_pearson of clip made/" in said
    assert "\n" not in said
    tensors, facts = load_tensors(tmp_path / "last.safetensors")
    assert facts["standing"]["step"] == 4
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    assert curve(tmp_path)["step"] == [1, 2, 3, 4]


def test_a_gradient_that_is_not_finite_stops_too(tmp_path, tiny):
    bad = replace(tiny, objective=f"{TINY}:steep")
    with pytest.raises(InputError, match=r"step 1 \(epoch 1\): the gradient of mix\.weight is nan"):
        fit(bad, tmp_path, machine=ALONE)
    tensors, _ = load_tensors(tmp_path / "last.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())


def test_a_full_disk_loses_nothing(tmp_path, tiny, monkeypatch):
    whole = replace(tiny, evaluation=replace(tiny.evaluation, count=0))
    fit(whole, tmp_path / "whole", machine=ALONE)
    from camvitals.train import checkpoint

    count, real = [0], os.fsync

    def full(handle):
        count[0] += 1
        if count[0] > 14:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(InputError, match=r"No space left on device.*start the same command again"):
        fit(whole, tmp_path / "cut", machine=ALONE)
    monkeypatch.undo()
    assert 0 < load_tensors(tmp_path / "cut" / "last.safetensors")[1]["standing"]["step"] < 6
    fit(whole, tmp_path / "cut", machine=ALONE)
    assert curve(tmp_path / "cut") == curve(tmp_path / "whole")


def test_early_stop_keeps_the_best(tmp_path, tiny):
    worse = tiny.with_settings(
        {"optimiser.step": 0.5, "epochs": 20, "evaluation.patience": 2, "evaluation.metric": "loss"}
    )
    result = fit(worse, tmp_path, machine=ALONE)
    assert result.stopped == "no better for 2 looks"
    assert result.epoch == result.best_epoch + 2 < 20
    looked = result.curve["validation_loss"]
    assert result.best == looked.min() == looked[result.best_epoch - 1]
    _, facts = load_tensors(tmp_path / "best.safetensors")
    assert facts["row"]["epoch"] == result.best_epoch
    again = fit(worse, tmp_path, machine=ALONE)
    assert again.stopped == result.stopped


def test_the_best_weights_come_back_with_their_card(tmp_path, tiny):
    result = fit(tiny, tmp_path, machine=ALONE)
    module, recipe = trained(tmp_path, own_code=True)
    assert not module.training
    assert recipe.name == "tiny"
    tensors, _ = load_tensors(tmp_path / "best.safetensors")
    assert all(torch.equal(v, tensors[k]) for k, v in module.state_dict().items())
    card = loop.Path(tmp_path / "best.safetensors.json").read_text()
    assert f'"mae": {result.best}' in card
    with pytest.raises(InputError, match="names Python of its own"):
        trained(tmp_path)
    (tmp_path / "best.safetensors").write_bytes((tmp_path / "last.safetensors").read_bytes())
    with pytest.raises(InputError, match="but its card says"):
        trained(tmp_path, own_code=True)


def test_training_starts_from_weights(tmp_path, tiny):
    fit(tiny, tmp_path / "a", machine=ALONE)
    still = tiny.with_settings(
        {
            "model.weights": str(tmp_path / "a" / "best.safetensors"),
            "model.frozen": "mix,time,norm",
            "epochs": 1,
        }
    )
    fit(still, tmp_path / "b", machine=ALONE)
    before, _ = load_tensors(tmp_path / "a" / "best.safetensors")
    after, _ = load_tensors(tmp_path / "b" / "best.safetensors")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"out.weight", "out.bias"}  # not even the statistics of the frozen norm


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model.name": "physnets"}, "no model 'physnets'; choose one of"),
        ({"model.name": "physnet"}, "physnet takes pictures but the corpus gives colours"),
        ({"loss.0.name": "mean"}, "no loss 'mean'; choose one of mse, mae"),
        ({"objective": "own"}, "objective needs supervised.* or FILE.py:NAME"),
        ({"model.frozen": "head"}, "no parameter begins with 'head'; they begin with mix, norm"),
        ({"optimiser.options.lr2": 1}, "optimiser.options do not fit adamw"),
        ({"evaluation.protocol": "heartratenet", "clip.rate": 7.0}, "needs more than 8 pictures"),
        ({"corpus.reference": "breath"}, "metric mae needs a heart rate .* use loss"),
        ({"model.weights": "nowhere.safetensors"}, "no weights in .*nowhere.safetensors"),
        ({"loss.0.name": "contrast", "evaluation.metric": "loss"}, "can be said of one clip"),
    ],
)
def test_what_does_not_fit_is_told_before_the_work(tmp_path, tiny, settings, said):
    with pytest.raises(InputError, match=said):
        fit(tiny.with_settings(settings), tmp_path, machine=ALONE)
    assert not (tmp_path / "last.safetensors").exists()


def test_pictures_of_a_size_that_the_model_does_not_take_are_told(tmp_path, tiny):
    from camvitals.train.clips import MadeClips
    from camvitals.train.recipe import Model

    wrong = replace(tiny, model=Model(name="deepphys"), corpus=MadeClips(size=20))
    with pytest.raises(InputError, match=r"deepphys takes .*36×36.* but the corpus gives 20×20"):
        fit(wrong, tmp_path, machine=ALONE)


def test_no_such_device_is_told(tmp_path, tiny):
    if torch.cuda.is_available():
        pytest.skip("there is a card")
    with pytest.raises(InputError, match=r"no 1 × cuda here .* use --accelerator cpu"):
        fit(tiny, tmp_path, machine=Machine(accelerator="cuda"))


def test_one_training_at_a_time_in_a_folder(tmp_path, tiny):
    with loop._locked(tmp_path), pytest.raises(InputError, match="another process is training"):
        fit(tiny, tmp_path, machine=ALONE)


def test_ctrl_c_saves_first(tmp_path, tiny):
    many = replace(tiny, epochs=500, save_every=None, steps=5)
    before = signal.getsignal(signal.SIGINT)  # a background shell job has another than a terminal
    timer = threading.Timer(2.0, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            fit(many, tmp_path, machine=ALONE)
    finally:
        timer.cancel()
    done = curve(tmp_path)["step"]
    _, facts = load_tensors(tmp_path / "last.safetensors")
    assert facts["standing"]["step"] == done[-1]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_torn_row_is_taken_back(tmp_path):
    table = Table(tmp_path / "steps.csv", ("step", "loss"))
    table.cut(0)
    for step in (1, 2, 3):
        table.add({"step": step, "loss": 1 / step})
    with table.path.open("a") as file:
        file.write("4.0,0.2")
    assert table.read()["step"].tolist() == [1, 2, 3]
    table.cut(2)
    table.add({"step": 3, "loss": 0.1})
    assert table.read()["loss"].tolist() == [1, 0.5, 0.1]
    with pytest.raises(InputError, match="has other columns"):
        Table(tmp_path / "steps.csv", ("step",)).read()


def test_the_command_learns(tmp_path, tiny):
    recipe = f"{TINY}:tiny"
    ended = command(tmp_path / "out", "tiny", "--set", "epochs=6", "--set", "batch=8")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("epoch 1/6, loss ")
    assert lines[-1].startswith("best mae ")
    found = curve(tmp_path / "out", CURVE_COLUMNS, "curve.csv")
    assert found["loss"][-1] < 0.7 * found["loss"][0]
    assert found["validation_loss"][-1] < found["validation_loss"][0]
    text = (tmp_path / "out" / "curve.svg").read_text()
    assert text.startswith("<svg") and 'xmlns="http://www.w3.org/2000/svg"' in text
    kept = load_recipe(recipe).with_settings({"epochs": "6", "batch": "8"})
    assert kept.hash in (tmp_path / "out" / "best.safetensors").read_bytes().decode("latin-1")


def test_wrong_words_end_with_one_line(tmp_path):
    ended = command(tmp_path, "tiny", "--set", "optimiser.lr=1")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "Optimiser has name, step, weight_decay, options" in ended.stderr


def test_tensorboard_tables_are_written(tmp_path, tiny):
    fit(replace(tiny, epochs=1), tmp_path, machine=ALONE, tensorboard=True)
    assert list((tmp_path / "tensorboard").glob("events.out.*"))


@pytest.mark.slow
def test_two_processes_begin_as_one(tmp_path):
    one = command(tmp_path / "one", "tiny", "--set", "epochs=1", "--set", "model.options.dropout=0")
    two = command(
        tmp_path / "two",
        "tiny",
        *("--set", "epochs=1", "--set", "model.options.dropout=0", "--devices", "2"),
    )
    assert one.returncode == 0, one.stderr
    assert two.returncode == 0, two.stderr
    losses = [curve(tmp_path / name)["loss"] for name in ("one", "two")]
    assert losses[0][0] == pytest.approx(losses[1][0], abs=0.05)  # norms see half of the batch
    assert len(losses[1]) == 3


def test_numbers_of_a_rate_are_learnt_as_they_are(tmp_path, tiny):
    from camvitals.train.objective import architecture_of, supervised
    from camvitals.train.stream import Batch

    recipe = tiny.with_settings({"model.target": "rate", "loss.0.name": "mae"})
    batch = Batch(
        images=torch.full((2, 60, 6, 3), 100.0),
        target=torch.zeros(2, 60),
        heart_rate=torch.tensor([60.0, 75.0]),
        weight=torch.ones(2),
        speed=torch.ones(2),
        rate=15.0,
        keys=("a", "b"),
    )
    found = supervised(lambda x: torch.full((2, 1), 70.0), architecture_of(recipe), batch, recipe)
    assert found["mae"].tolist() == [10, 5]
    assert np.isfinite(found["mae"].numpy()).all()
