"""Random changes of a picture with its mask: together, seeded, and each what its name says."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from keras_tiny.data.augment import STEPS, change
from keras_tiny.data.augment.blur import convolve
from keras_tiny.data.augment.geometry import perspective
from keras_tiny.data.augment.holes import connected
from keras_tiny.data.augment.resample import resample
from keras_tiny.data.sample import VOID
from keras_tiny.recipe import AugmentStep, ChangeName, find_recipe

HEIGHT, WIDTH = 48, 64
MOVES = ("crop_to_mask", "flip", "flip_vertical", "transpose", "rotate", "shift_scale_rotate", "perspective")
BLURS = ("box_blur", "gaussian_blur", "median_blur", "glass_blur")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def scene(*, seed: int = 0, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Patches of three classes and void, and a picture that is 60 times the class, void 180, with a little noise."""
    patches = rng(seed).integers(0, 4, (HEIGHT // 16, WIDTH // 16)).astype(np.uint8)
    mask = patches.repeat(16, axis=0).repeat(16, axis=1)
    picture = mask[..., None] * 60 + rng(seed + 1).integers(0, 12, (HEIGHT, WIDTH, channels))
    return picture.astype(np.uint8), np.where(mask == 3, VOID, mask).astype(np.uint8)


def only(*names: str) -> tuple[AugmentStep, ...]:
    return tuple(AugmentStep(p=1, of=(name,)) for name in names)


def done(name: str, picture: np.ndarray, mask: np.ndarray, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return change(picture, mask, only(name), rng=rng(seed))


def roughness(picture: np.ndarray) -> float:
    """Mean difference of neighbours."""
    return float(np.abs(np.diff(picture.astype(float), axis=0)).mean())


def test_a_recipe_can_name_every_change_and_no_other():
    assert set(get_args(ChangeName)) == set(STEPS)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", STEPS)
def test_every_change_is_seeded_keeps_shapes_and_invents_no_class(name: str, channels: int):
    picture, mask = scene(channels=channels)
    before = picture.copy(), mask.copy()
    results = [done(name, picture, mask, seed=seed) for seed in (1, 1, 2, 3, 4)]
    for changed, moved in results:
        assert (changed.dtype, changed.shape) == (np.uint8, picture.shape)
        assert (moved.dtype, moved.shape) == (np.uint8, mask.shape)
        assert set(np.unique(moved)) <= set(np.unique(mask)) | {0}
    for once, again in zip(results[0], results[1], strict=True):
        np.testing.assert_array_equal(once, again)
    if name not in ("whole", "flip", "flip_vertical", "transpose", "clahe"):
        assert any((changed != results[0][0]).any() for changed, _ in results[2:])
    np.testing.assert_array_equal(picture, before[0])
    np.testing.assert_array_equal(mask, before[1])


@pytest.mark.parametrize("name", MOVES)
def test_what_moves_moves_the_mask_with_the_picture(name: str):
    picture, mask = scene(seed=3)
    for seed in range(5):
        changed, moved = done(name, picture, mask, seed=seed)
        painted = np.where(moved == VOID, 180, moved * np.uint8(60))
        # At edges the picture is blended and the mask is not; a mask that stayed behind would agree in a third.
        assert (np.abs(changed.mean(axis=-1) - 6 - painted) < 30).mean() > 0.9


@pytest.mark.parametrize("name", sorted(set(STEPS) - set(MOVES) - {"mask_dropout"}))
def test_what_does_not_move_leaves_the_mask(name: str):
    picture, mask = scene()
    np.testing.assert_array_equal(done(name, picture, mask)[1], mask)


def test_neighbouring_moves_are_one_resampling():
    picture, mask = scene()
    for names in (("flip", "flip"), ("flip_vertical", "flip_vertical"), ("transpose", "transpose")):
        changed, moved = change(picture, mask, only(*names), rng=rng())
        np.testing.assert_array_equal(changed, picture)
        np.testing.assert_array_equal(moved, mask)


def test_mirroring_and_transposing_are_exact():
    picture, mask = scene()
    square, its_mask = picture[:, :HEIGHT], mask[:, :HEIGHT]
    np.testing.assert_array_equal(done("flip", picture, mask)[0], picture[:, ::-1])
    np.testing.assert_array_equal(done("flip_vertical", picture, mask)[1], mask[::-1])
    np.testing.assert_array_equal(done("transpose", square, its_mask)[0], square.transpose(1, 0, 2))
    np.testing.assert_array_equal(done("transpose", square, its_mask)[1], its_mask.T)


def test_a_move_by_whole_pixels_is_a_shift_with_the_mirror_image_beyond_the_edge():
    picture, mask = scene()
    moved, _ = resample(picture, mask, np.array([[1.0, 0, -2], [0, 1, 0], [0, 0, 1]]))
    np.testing.assert_array_equal(moved[:, 2:], picture[:, :-2])
    np.testing.assert_array_equal(moved[:, :2], picture[:, 1::-1])


def test_a_perspective_shows_a_quadrilateral_within_the_picture():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for seed in range(20):
        matrix = perspective(mask, np.eye(3), rng(seed))
        for x, y in ((0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)):
            u, v, scale = matrix @ [x, y, 1]
            assert 0 <= u / scale <= WIDTH
            assert 0 <= v / scale <= HEIGHT


@pytest.mark.parametrize("before", [(), ("flip",), ("rotate",)])
def test_a_crop_has_a_pixel_of_an_object_in_it(before: tuple[str, ...]):
    picture, mask = scene()
    mask[:] = 0
    mask[20:26, 30:36] = 1
    for seed in range(40):
        _, moved = change(picture, mask, only(*before, "crop_to_mask"), rng=rng(seed))
        assert (moved == 1).any()


def test_a_crop_of_a_picture_without_objects_is_any_part():
    picture, mask = scene()
    mask[:] = 0
    assert (done("crop_to_mask", picture, mask)[0] != picture).any()


def test_one_object_is_painted_over_and_is_ground_then():
    picture, mask = scene()
    mask[:], picture[:] = 0, 200
    mask[4:9, 4:9], mask[9:14, 9:12], mask[30:40, 30:40] = 1, 2, 1
    hidden = set()
    for seed in range(12):
        changed, left = done("mask_dropout", picture, mask, seed=seed)
        gone = left != mask
        np.testing.assert_array_equal(gone, (changed == 0).all(axis=-1))
        assert (left[gone] == 0).all()
        hidden.add(int(gone.sum()))
    assert hidden == {25, 15, 100}
    mask[:] = 0
    np.testing.assert_array_equal(done("mask_dropout", picture, mask)[0], picture)


def test_a_patch_hangs_together_by_edges_through_any_maze():
    mask = np.ones((9, 9), np.uint8)
    mask[1::2, 1:] = 0
    mask[3::4, 0], mask[3::4, -1] = 0, 1
    patch = connected(mask, row=0, column=0)
    np.testing.assert_array_equal(patch, mask == 1)
    mask[1, 0], mask[3, -1] = 0, 0
    assert connected(mask, row=0, column=0).sum() == 9


def test_holes_are_at_most_fifteen_of_eight_by_eight():
    picture, mask = np.full((HEIGHT, WIDTH, 3), 90, np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    counts = [
        int((done("coarse_dropout", picture, mask, seed=seed)[0] == 0).all(-1).sum()) for seed in range(30)
    ]
    assert 0 < min(counts) < max(counts) <= 15 * 64


def test_noise_is_as_strong_as_it_says():
    picture, mask = np.full((128, 128, 3), 128, np.uint8), np.zeros((128, 128), np.uint8)
    variances = [done("gauss_noise", picture, mask, seed=seed)[0].astype(float).var() for seed in range(8)]
    assert min(variances) > 9
    assert max(variances) < 52
    factors = [done("multiplicative_noise", picture, mask, seed=seed)[0] for seed in range(8)]
    assert all(len(np.unique(each)) == 1 and 114 < each[0, 0, 0] < 142 for each in factors)


@pytest.mark.parametrize("name", BLURS)
def test_a_blur_smooths(name: str):
    picture = rng().integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    assert roughness(done(name, picture, mask)[0]) < 0.9 * roughness(picture)


def test_a_kernel_of_one_pixel_changes_nothing_and_a_line_is_a_mean():
    picture, _ = scene()
    np.testing.assert_array_equal(convolve(picture, np.ones((1, 1), np.float32)), picture)
    line = np.zeros((3, 3), np.float32)
    line[1] = 1
    wide = np.pad(picture.astype(float), ((0, 0), (1, 1), (0, 0)), mode="symmetric")
    mean = (wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]) / 3
    np.testing.assert_allclose(convolve(picture, line), mean, atol=0.51)


def test_sharpening_and_equalising_make_more_of_small_differences():
    wave = 120 + 8 * np.sin(np.linspace(0, 6 * np.pi, 128))
    picture = np.broadcast_to(wave[None, :, None], (128, 128, 3)).astype(np.uint8)
    mask = np.zeros((128, 128), np.uint8)
    for name in ("sharpen", "clahe"):
        one, other = (done(name, picture, mask, seed=seed)[0] for seed in (0, 1))
        assert one.std() / one.mean() > picture.std() / picture.mean(), name
        assert (one != other).any(), name


def test_weather_brightens_darkens_or_darkens_the_lower_half():
    picture, mask = np.full((HEIGHT, WIDTH, 3), 120, np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    assert done("fog", picture, mask)[0].mean() > 125
    assert done("rain", picture, mask)[0].mean() < 115
    shadowed = done("shadow", picture, mask)[0]
    assert (shadowed[: HEIGHT // 2] == 120).all()
    assert set(np.unique(shadowed)) == {60, 120}


def test_colours_change_along_the_axes_that_a_picture_has():
    grey = np.repeat(rng().integers(0, 256, (HEIGHT, WIDTH, 1)), 3, axis=2).astype(np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for seed in range(5):
        changed = done("fancy_pca", grey, mask, seed=seed)[0].astype(int)
        assert np.abs(changed - changed.mean(axis=-1, keepdims=True)).max() < 1.1


def test_a_step_is_done_as_often_as_it_says_with_one_of_its_changes():
    picture, mask = scene(seed=5)
    step = (AugmentStep(p=0.5, of=("flip", "flip_vertical")),)
    seen = [change(picture, mask, step, rng=rng(seed))[1] for seed in range(300)]
    shares = [np.mean([(m == other).all() for m in seen]) for other in (mask, mask[:, ::-1], mask[::-1])]
    assert shares == pytest.approx([0.5, 0.25, 0.25], abs=0.1)


@pytest.mark.parametrize("name", ["coco_foreground_efficient_unet", "fsoco_efficient_unet"])
def test_the_lists_of_the_recipes_go_together(name: str):
    steps = find_recipe(name).augment_steps
    picture, mask = scene()
    changed = [change(picture, mask, steps, rng=rng(seed))[0] for seed in range(6)]
    assert len({each.tobytes() for each in changed}) == 6
