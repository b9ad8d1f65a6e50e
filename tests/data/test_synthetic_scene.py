"""Made people: found by the detector, drawn where they say, each with its own pulse."""

import dataclasses
import itertools
import tracemalloc

import numpy as np
import pytest

from camvitals.data.synthetic.camera import Camera, linear, time_stamps
from camvitals.data.synthetic.head import Expression, build, look_of
from camvitals.data.synthetic.movement import movement
from camvitals.data.synthetic.paint import GLOSS
from camvitals.data.synthetic.pose import rotation
from camvitals.data.synthetic.scenario import LIGHTS, MOTIONS, Scenario
from camvitals.data.synthetic.scene import Scene, frames
from camvitals.data.synthetic.shade import Blush, Lighting, View, layer_of, perfusion_of
from camvitals.data.synthetic.traces import REGIONS, STRENGTH
from camvitals.face.crop import whole
from camvitals.face.detect import Detection, Detector
from camvitals.face.mesh import Mesh, square_of_detection
from camvitals.records import Array, Frame

SKIN = 0.5  # relative perfusion: more than the neck's
FULL = 0.7  # and that of forehead and cheeks, away from eyes and lips
QUIET = Blush(np.zeros(3), np.zeros(3))


def picture_of(scenario: Scenario, time: float) -> tuple[Scene, Frame]:
    scene = Scene(scenario)
    light = next(scene.lights(np.array([time])))
    return scene, Frame.of_rgb(Camera(scenario).picture(light, time), time)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return Mesh()


def found(detector: Detector, frame: Frame, threshold: float = 0.5) -> list[Detection]:
    return detector(frame, whole(frame), threshold=threshold)


def weights(scene: Scene, time: float) -> Array:
    """(height, width) share 0–1 of well perfused skin, soft so that no pixel comes and goes."""
    return np.asarray(np.clip((scene.perfusion(time) - FULL) / 0.15, 0, 1))


def strength(scenario: Scenario) -> float:
    """Mean relative perfusion of that skin."""
    scene = Scene(scenario)
    return float(np.average(scene.perfusion(0.0), weights=weights(scene, 0.0)))


def skin_means(scenario: Scenario, times: Array, *, coded: bool) -> Array:
    """(T, 3) mean linear light of the face's skin: before the camera, or decoded from its codes.

    The skin is matte here: gloss adds light that has met no blood.
    """
    scene, camera, means = Scene(scenario), Camera(scenario), []
    scene.sitters[0].person.texture[..., GLOSS] = 0
    skin = Scene(dataclasses.replace(scenario, subject="face", pulse=1.0))
    for time, light in zip(times, scene.lights(times), strict=True):
        gains = camera.gains(np.array(time))
        seen = linear(camera.picture(light, time)) / gains if coded else light
        weight = weights(skin, time)
        means.append(np.average(seen.reshape(-1, 3), axis=0, weights=weight.ravel()))
    return np.array(means)


def steady(values: Array, times: Array, *beside: Array) -> Array:
    """The values without what is slower than 0.5 Hz, and without what lies `beside` (T,)."""
    slow = [np.cos(np.pi * k * times / times[-1]) for k in range(int(times[-1]))]
    drifts = np.stack([*slow, *beside], axis=1)
    return np.asarray(values - drifts @ np.linalg.lstsq(drifts, values, rcond=None)[0])


def pulse_size(relative_T3: Array, pulse_T: Array, times: Array, *beside: Array) -> Array:
    """(3,) relative colour change per unit of pulse, by regression beside slow drifts."""
    pulse, relative = (steady(values, times, *beside) for values in (pulse_T, relative_T3))
    return np.asarray(pulse @ relative / (pulse @ pulse))


def test_pictures_are_a_function_of_the_scenario() -> None:
    scenario = Scenario(seed=3, duration=0.5, rate=12, size=(160, 120), motion="talk")
    first, again = list(frames(scenario)), list(frames(scenario))
    assert [time for _, time in first] == time_stamps(scenario).tolist()
    assert all(image.shape == (120, 160, 3) and image.dtype == np.uint8 for image, _ in first)
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(first, again, strict=True))
    other = next(frames(dataclasses.replace(scenario, seed=4)))[0]
    assert np.mean(other != first[0][0]) > 0.5


@pytest.mark.parametrize(("tone", "motion"), list(itertools.product(range(1, 7), MOTIONS)))
def test_the_detector_accepts_every_tone_and_motion(
    tone: int, motion: str, detector: Detector, mesh: Mesh
) -> None:
    light = LIGHTS[(tone + MOTIONS.index(motion)) % len(LIGHTS)]
    scenario = Scenario(
        seed=50 + tone, duration=6, rate=30, tone=tone, motion=motion, light=light, size=(320, 240)
    )
    _, frame = picture_of(scenario, 3.1)
    faces = found(detector, frame)
    assert len(faces) == 1 and faces[0].score >= 0.7
    assert mesh(frame, square_of_detection(faces[0]))[1] >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize(("tone", "motion"), list(itertools.product(range(1, 7), MOTIONS)))
def test_the_detector_accepts_ten_people_of_every_tone_in_every_light(
    tone: int, motion: str, detector: Detector, mesh: Mesh
) -> None:
    for seed, light in itertools.product(range(10), LIGHTS):
        scenario = Scenario(
            seed=100 * seed + tone, duration=6, rate=30, tone=tone, motion=motion, light=light
        )
        _, frame = picture_of(scenario, 0.5 * seed + 0.7)
        faces = found(detector, frame)
        assert len(faces) == 1 and faces[0].score >= 0.7, scenario
        assert mesh(frame, square_of_detection(faces[0]))[1] >= 0.9, scenario


@pytest.mark.parametrize(("seed", "motion"), [(1, "still"), (2, "turn"), (3, "talk")])
def test_landmarks_fall_on_the_drawn_features(
    seed: int, motion: str, detector: Detector, mesh: Mesh
) -> None:
    scene, frame = picture_of(
        Scenario(seed=seed, duration=6, rate=30, motion=motion, tone=1 + seed), 2.0
    )
    drawn = scene.landmarks(2.0)[0]
    points, _ = mesh(frame, square_of_detection(found(detector, frame)[0]))
    seen = {
        "left_eye": points[[33, 133]].mean(axis=0),
        "right_eye": points[[362, 263]].mean(axis=0),
        "nose": points[4],
        "mouth": points[[13, 14]].mean(axis=0),
        "chin": points[152],
    }
    away = {name: float(np.hypot(*(seen[name] - drawn[name]))) for name in seen}
    assert max(away.values()) < 7 and np.mean(list(away.values())) < 4, away


def test_the_whole_face_has_the_pulse_of_a_made_trace() -> None:
    for seed in range(4):
        seen = Scene(Scenario(seed=seed, duration=1, rate=10, tone=1 + seed)).perfusion(0.0)
        assert seen[seen > SKIN].mean() == pytest.approx(STRENGTH[REGIONS.index("skin")], rel=0.06)


@pytest.mark.parametrize("tone", [1, 6])
def test_the_output_carries_the_pulse_asked_for(tone: int) -> None:
    scenario = Scenario(
        seed=tone, duration=24, rate=15, tone=tone, camera="machine", size=(240, 180), sdnn=10
    )
    times = time_stamps(scenario)
    sitter = Scene(scenario).sitters[0]
    means = skin_means(scenario, times, coded=True)
    relative = means / means.mean(axis=0) - 1
    moved = movement(scenario, times, breath=sitter.body.breath_at(times))
    where = moved.x, moved.y, moved.yaw  # a head that moves shades and lights its skin
    size = pulse_size(relative, sitter.body.pulse_at(times - 0.012), times, *where)
    asked = strength(scenario) * sitter.skin.pulsatile(np.array(98.0))
    assert np.allclose(size[:2] / asked[:2], 1, atol=0.1)
    rates = np.arange(45, 150, 0.1)
    turning = np.exp(-2j * np.pi * rates[:, None] / 60 * times)
    power = np.abs(turning @ (np.hanning(len(times)) * steady(relative[:, 1], times)))
    assert abs(rates[power.argmax()] - sitter.body.heart_rate) < 1.0


@pytest.mark.parametrize("motion", ["sway", "turn", "talk", "expression"])
def test_motion_leaves_the_size_of_the_pulse_alone(motion: str) -> None:
    scenario = Scenario(seed=8, duration=6, rate=10, motion=motion, pulse=0.5, size=(240, 180))
    times = time_stamps(scenario)
    sitter = Scene(scenario).sitters[0]
    without = skin_means(dataclasses.replace(scenario, pulse=0.0), times, coded=False)
    relative = skin_means(scenario, times, coded=False) / without - 1
    size = pulse_size(relative, sitter.body.pulse_at(times - 0.012), times)
    asked = 0.5 * strength(scenario) * sitter.skin.pulsatile(np.array(98.0))
    assert np.allclose(size[1] / asked[1], 1, atol=0.12)


@pytest.mark.parametrize(
    "fixed", [{"subject": "still-picture"}, {"subject": "painted-face"}, {"pulse": 0.0}]
)
def test_a_face_without_blood_is_found_and_has_no_pulse(
    fixed: dict[str, object], detector: Detector
) -> None:
    living = Scenario(seed=5, duration=10, rate=12, camera="machine", size=(240, 180), sdnn=10)
    scenario = dataclasses.replace(living, **fixed)
    times = time_stamps(scenario)
    means = skin_means(scenario, times, coded=True)
    sitter = Scene(living).sitters[0]
    size = pulse_size(means / means.mean(axis=0) - 1, sitter.body.pulse_at(times), times)
    assert abs(size[1]) < 0.1 * abs(sitter.skin.pulsatile(np.array(98.0))[1])
    images = [image for image, _ in itertools.islice(frames(scenario), 2)]
    assert np.mean(images[0] != images[1]) > 0.2  # noise all the same
    assert len(found(detector, Frame.of_rgb(images[0], 0.0), 0.7)) == 1


@pytest.mark.parametrize("subject", ["wall", "noise"])
def test_wall_and_noise_show_no_face(subject: str, detector: Detector) -> None:
    scenario = Scenario(seed=6, duration=1, rate=10, subject=subject, size=(320, 240))
    scene, frame = picture_of(scenario, 0.3)
    assert found(detector, frame) == [] and scene.landmarks(0.3) == []


def test_two_people_have_each_their_own_pulse(detector: Detector) -> None:
    scenario = Scenario(seed=7, duration=6, rate=10, people=2, size=(320, 240))
    scene, times = Scene(scenario), time_stamps(scenario)
    without = Scene(dataclasses.replace(scenario, pulse=0.0))
    assert [s.scenario for s in scene.sitters] == [scenario.person(k) for k in (0, 1)]
    left, right = (scene.perfusion(0.0) > SKIN for _ in range(2))
    left[:, 160:], right[:, :160] = False, False
    pairs = zip(scene.lights(times), without.lights(times), strict=True)
    ratios = [
        (a[left].mean() / b[left].mean(), a[right].mean() / b[right].mean()) for a, b in pairs
    ]
    pulses = np.stack([s.body.pulse_at(times - 0.012) for s in scene.sitters])
    match = np.corrcoef(-np.array(ratios).T, pulses)[:2, 2:]
    assert match.diagonal().min() > 0.9 and max(match[0, 1], match[1, 0]) < 0.5
    assert len(found(detector, picture_of(scenario, 0.0)[1], 0.7)) == 2


@pytest.fixture(scope="module")
def posing() -> tuple[object, View, Lighting]:
    person = build(look_of(1, 3), np.array([0.38, 0.24, 0.17]), texels=200, mesh=48)
    seat = np.array([0.0, 1.0, -62.0])
    return person, View(320, 240, 288.0), Lighting(np.array([0.0, 0.0, 1.0]), 0.5, seat, 1e6)


def expression(x: float = 0.0, **changes: float) -> Expression:
    place = np.array([x, 1.0, -62.0])
    return Expression(rotation(0, 0, 0), place, place, **changes)


def test_a_quarter_of_a_pixel_moves_the_picture_by_a_quarter_of_a_pixel(posing) -> None:
    person, view, light = posing

    def middle(shift_px: float) -> float:
        now = expression(shift_px * 62.0 / view.focal)
        layer = layer_of(person, now, QUIET, view, light)
        rows, columns = np.divmod(layer.at, view.width)
        bright = layer.colour[:, 1] * (rows < 150)  # shoulders at their depth shift otherwise
        return float((bright * columns).sum() / bright.sum())

    middles = np.array([middle(shift) for shift in np.arange(0, 1.5, 0.25)])
    assert np.allclose(np.diff(middles), 0.25, atol=0.03)


def test_lids_close_and_lips_part(posing) -> None:
    person, view, _ = posing

    def at(name: str, now: Expression) -> tuple[int, int]:
        place, _ = view.project(person.landmarks(now)[name][None])
        return int(place[0, 1]), int(place[0, 0])

    rest, closed, parted = expression(), expression(blink=1.0), expression(jaw=1.2)
    eye = at("left_eye", rest)
    assert perfusion_of(person, rest, view)[eye] == 0
    assert perfusion_of(person, closed, view)[eye] > 0.2
    mouth = at("mouth", rest)
    bloodless = perfusion_of(person, parted, view)[mouth[0] : mouth[0] + 5, mouth[1]]
    assert (bloodless == 0).sum() >= 3


def test_memory_does_not_grow_with_the_recording() -> None:
    peaks = []
    for count in (5, 40):
        tracemalloc.start()
        scenario = Scenario(seed=9, duration=60, rate=10, size=(64, 48))
        for _ in itertools.islice(frames(scenario), count):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.05 * peaks[0]
