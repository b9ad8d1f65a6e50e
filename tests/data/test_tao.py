"""Specifications of TAO in both ways of writing; what is wrong is refused by name."""

import pytest

from camvitals.data.tao import SETTINGS, TaoSpec
from camvitals.records import InputError

# The public sample for COHFACE, its facts in our own order
INDENTED = """
random_seed: 32
num_epoch: 20
checkpoint_n_epoch: 1
evaluation_window: 10
low_freq_cutoff: 0.67
high_freq_cutoff: 4.0
fps: 20.0
log_every_n_secs: 20
model:
  __class_name__: HeartRateNet
  model_parameters:
    input_size: 72
    data_format: channels_first
    conv_dropout_rate: 0.0
    fully_connected_dropout_rate: 0.0
    use_batch_norm: False
    model_type: HRNet_release
    frozen_blocks: 0  # of 0 to 4
    pretrained_model: ''
dataloader:
  image_info:
    num_channels: 3
    image_height: 72
    image_width: 72
  dataset_info:
    tfrecords_directory_path: /data/cohface
    tfrecord_folder_name: ''
loss:
  loss_function_name: MSE
optimizer:
  __class_name__: AdadeltaOptimizer
  rho: 0.95
  epsilon: 1.0e-07
  learning_rate_schedule:
    learning_rate: 1.0
"""
BRACED = """
# the same with braces
model_config {
  input_size: 72 data_format: 'channels_first'
  conv_dropout_rate: 0.0, fully_connected_dropout_rate: 0.0
  use_batch_norm: false model_type: "HRNet_release" frozen_blocks: 0
}
train_config: {
  random_seed: 32 num_epoch: 20 checkpoint_n_epoch: 1 log_every_n_secs: 20
  loss { loss_function_name: "MSE" }
  optimizer { rho: 0.95 epsilon: 1e-7 learning_rate_schedule { learning_rate: 1 } }
}
evaluation_config { evaluation_window: 10 low_freq_cutoff: 0.67 high_freq_cutoff: 4 fps: 20 }
dataset_config { tfrecords_directory_path: "/data/cohface" tfrecord_folder_name: "" }
"""
SAMPLE = TaoSpec(
    size=72,
    conv_dropout=0.0,
    dense_dropout=0.0,
    batch_norm=False,
    frozen_blocks=0,
    epochs=20,
    seed=32,
    save_every=1,
    learning_rate=1.0,
    rho=0.95,
    epsilon=1e-7,
    window=10.0,
    low=0.67,
    high=4.0,
    rate=20.0,
    folder="/data/cohface",
    unused=("log_every_n_secs", "tfrecord_folder_name"),
)


@pytest.mark.parametrize("text", [INDENTED, BRACED], ids=["indented", "braced"])
def test_the_public_sample_is_read(text):
    assert TaoSpec.parse(text) == SAMPLE


def test_the_sample_as_options_and_training():
    assert SAMPLE.options == {
        "size": (72, 72),
        "conv_dropout": 0.0,
        "dense_dropout": 0.0,
        "batch_norm": False,
        "frozen_blocks": 0,
    }
    training = SAMPLE.training
    assert (training["loss"], training["optimiser"]) == ("mse", "adadelta")
    assert training["optimiser_options"] == {"rho": 0.95, "eps": 1e-7}
    assert (training["epochs"], training["batch"], training["seed"]) == (20, 32, 32)
    assert training["band"] == (0.67, 4.0)


def test_what_is_left_out_is_as_on_the_card_and_no_rate_is_made_up():
    spec = TaoSpec.parse("model_config { input_size: 36 }")
    assert (spec.size, spec.conv_dropout, spec.dense_dropout) == (36, 0.2, 0.5)
    assert spec.rate is None


def test_a_file_is_read(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(INDENTED, encoding="utf-8")
    assert TaoSpec.load(path) == SAMPLE
    with pytest.raises(InputError, match=r"cannot read .*none\.yaml"):
        TaoSpec.load(tmp_path / "none.yaml")


def test_an_unknown_setting_is_named_with_those_there_are():
    with pytest.raises(InputError, match="no setting 'input_sise'") as caught:
        TaoSpec.parse("model_config { input_sise: 72 }", where="my.txt")
    assert str(caught.value).startswith("my.txt: ")
    assert all(name in str(caught.value) for name in SETTINGS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modle_config { input_size: 72 }", "no part 'modle_config'; known are model"),
        ("modle:\n  input_size: 72", "no part 'modle'"),
        ("model_config { input_size: big }", "input_size must be a whole number but is 'big'"),
        ("model_config { input_size: 7.5 }", "must be a whole number but is 7.5"),
        ("model_config { use_batch_norm: 1 }", "use_batch_norm must be True or False but is 1"),
        ("model_config { model_type: 'ResNet' }", "model_type must be one of HRNet_release"),
        ("loss { loss_function_name: MAE }", "must be one of MSE but is 'MAE'"),
        ("optimizer:\n  __class_name__: Adam", "__class_name__ must be one of .*Adadelta"),
        ("input_size: 72\nimage_width: 36", "image_width is 36 but elsewhere 72"),
        ("fps: 20\nfps: 30", "line 2: fps stands there twice"),
        ("model_config { input_size: 72", "ends inside 1 open brace"),
        ("model_config { input_size 72 }", "line 1: 'input_size' is not"),
        ("model_config { input_size: 72 } }", "line 1: '}' is not"),
        ("model_config {\n input_size: 72,\n frozen 1 }", "line 3: 'frozen' is not"),
        ("num_epoch: 20\n- fps", "line 2: '- fps' is not `name: value`"),
        ("", "holds no setting"),
        ("num_epoch: 0", "epochs must be at least 1 but is 0"),
        ("conv_dropout_rate: 1.0", "conv_dropout must be from 0 to below 1"),
        ("frozen_blocks: 5", "frozen_blocks must be 0–4 but is 5"),
        ("low_freq_cutoff: 4\nhigh_freq_cutoff: 1", "the band must rise"),
    ],
)
def test_what_is_wrong_is_said(text, message):
    with pytest.raises(InputError, match=message):
        TaoSpec.parse(text)


def test_comments_and_quotes():
    text = "pretrained_model: '/a # b/model.tlt'  # where it lies\nresults_dir: /r#1"
    spec = TaoSpec.parse(text)
    assert (spec.weights, spec.results) == ("/a # b/model.tlt", "/r#1")
