"""Reading pictures of every kind that people have on disk."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import MAX_PIXELS, read_image


def encoded(image: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_colour_comes_back_byte_for_byte(form):
    pixels = noise(5, 7, 3)
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(pixels), form), channels=3), pixels)


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "TIFF", "PPM"])
def test_lossless_grey_comes_back_byte_for_byte_and_repeats_into_colour(form):
    pixels = noise(5, 7)
    data = encoded(Image.fromarray(pixels), form)
    np.testing.assert_array_equal(read_image(data, channels=1), pixels[:, :, None])
    np.testing.assert_array_equal(read_image(data, channels=3), np.repeat(pixels[:, :, None], 3, axis=2))


@pytest.mark.parametrize(("form", "options"), [("JPEG", {"quality": 95}), ("WEBP", {"quality": 95})])
def test_lossy_formats_come_back_near_the_picture(form, options):
    ramp = np.tile(np.arange(64, dtype=np.uint8)[None, :, None] * 4, (64, 1, 3))
    read = read_image(encoded(Image.fromarray(ramp), form, **options), channels=3)
    assert np.abs(read.astype(int) - ramp).mean() < 4  # of 255; the codecs' own loss


def test_colour_becomes_grey_by_the_weights_of_bt_601():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    grey = read_image(encoded(Image.fromarray(colours), "PNG"), channels=1)
    assert grey[0, :, 0].tolist() == [76, 150, 29, 255]  # 0.299, 0.587, 0.114 of 255


def test_transparency_is_composited_over_white():
    pixels = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 128]]], np.uint8)
    read = read_image(encoded(Image.fromarray(pixels), "PNG"), channels=3)
    assert read[0].tolist() == [[10, 20, 30], [255, 255, 255], [127, 127, 127]]


def test_grey_with_transparency_is_composited_over_white():
    pixels = np.array([[[40, 255], [40, 0]]], np.uint8)
    data = encoded(Image.fromarray(pixels), "PNG")
    assert Image.open(io.BytesIO(data)).mode == "LA"
    assert read_image(data, channels=1)[0, :, 0].tolist() == [40, 255]


def test_one_transparent_colour_of_a_png_is_composited_over_white():
    pixels = np.array([[[10, 20, 30], [40, 50, 60]]], np.uint8)
    data = encoded(Image.fromarray(pixels), "PNG", transparency=(10, 20, 30))
    assert read_image(data, channels=3)[0].tolist() == [[255, 255, 255], [40, 50, 60]]


def test_a_palette_is_resolved_with_its_transparent_entry():
    image = Image.new("P", (3, 1))
    image.putpalette([200, 100, 50, 1, 2, 3, 9, 9, 9])
    image.putdata([0, 1, 2])
    assert read_image(encoded(image, "PNG"), channels=3)[0].tolist() == [[200, 100, 50], [1, 2, 3], [9, 9, 9]]
    with_hole = encoded(image, "PNG", transparency=1)
    assert read_image(with_hole, channels=3)[0].tolist() == [[200, 100, 50], [255, 255, 255], [9, 9, 9]]


def test_black_and_white_becomes_0_and_255():
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    assert read_image(encoded(image, "PNG"), channels=1)[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(form):
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # no cyan: red
    red, green, blue = read_image(encoded(image, form), channels=3).reshape(-1, 3).mean(axis=0)
    assert (red > 250, green < 5, blue < 5) == (True, True, True)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled_and_rounded_not_clipped(form):
    pixels = np.array([[0, 128, 129, 257, 32768, 65406, 65407, 65535]], np.uint16)
    read = read_image(encoded(Image.fromarray(pixels), form), channels=1)
    assert (
        read[0, :, 0].tolist()
        == np.rint(pixels[0] / 257).astype(int).tolist()
        == [0, 0, 1, 1, 128, 254, 255, 255]
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(orientation):
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :16] = (250, 0, 0)  # the top left corner is red, the bottom right one blue
    upright[8:, 16:] = (0, 0, 250)
    back = {  # what a camera that was held so has stored
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(back(upright)))
    np.testing.assert_array_equal(read_image(encoded(stored, "PNG", exif=exif), channels=3), upright)
    from_jpeg = read_image(encoded(stored, "JPEG", exif=exif, quality=95, subsampling=0), channels=3)
    assert np.abs(from_jpeg.astype(int) - upright).mean() < 5


def test_a_damaged_exif_block_does_not_make_the_picture_unreadable():
    pixels = np.full((8, 8, 3), 77, np.uint8)
    data = encoded(Image.fromarray(pixels), "JPEG", exif=b"Exif\0\0XX\0*\xff\xff\xff\xff")
    assert np.abs(read_image(data, channels=3).astype(int) - pixels).max() <= 2


@pytest.mark.parametrize("form", ["GIF", "TIFF", "MPO", "WEBP"])
def test_the_first_of_several_frames_is_read(form):
    frames = [Image.new("RGB", (16, 16), (shade,) * 3) for shade in (10, 200)]
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:])
    assert abs(read_image(data, channels=1).mean() - 10) < 2


def test_a_wrong_extension_does_not_matter(tmp_path):
    (tmp_path / "really_png.jpg").write_bytes(encoded(Image.new("L", (2, 2), 9), "PNG"))
    assert read_image(tmp_path / "really_png.jpg", channels=1).max() == 9


def test_floating_point_pixels_are_refused():
    data = encoded(Image.fromarray(np.zeros((2, 2), np.float32)), "TIFF")
    with pytest.raises(DataError, match="floating-point"):
        read_image(data, channels=1)


def test_integers_beyond_16_bit_are_refused():
    data = encoded(Image.fromarray(np.array([[0, 70000]], np.int32)), "TIFF")
    with pytest.raises(DataError, match="0 to 70000"):
        read_image(data, channels=1)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "TIFF"])
def test_a_truncated_file_is_refused_by_name(tmp_path, form):
    whole = encoded(Image.fromarray(noise(64, 64, 3)), form)
    file = tmp_path / "half.img"
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"half\.img"):
        read_image(file, channels=3)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_bytes_that_are_no_picture_are_refused_by_name(tmp_path, content):
    file = tmp_path / "text.png"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"text\.png"):
        read_image(file, channels=3)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_any_damage_to_a_file_gives_a_picture_or_one_clear_error():
    rng = np.random.default_rng(1)
    for form in ("JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP"):
        whole = np.frombuffer(encoded(Image.fromarray(noise(16, 16, 3)), form), np.uint8)
        for _ in range(60):
            damaged = whole.copy()
            damaged[rng.integers(0, len(whole), 4)] = rng.integers(0, 256, 4)
            try:
                read = read_image(damaged.tobytes(), channels=3)
            except DataError:
                continue
            assert (read.dtype, read.shape[2]) == (np.uint8, 3)


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r"gone\.png.*No such file"):
        read_image(tmp_path / "gone.png", channels=3)
    with pytest.raises(DataError, match="directory"):
        read_image(tmp_path, channels=3)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9_500, 20_000])  # beyond Pillow's warning, and beyond its error
def test_a_small_file_that_claims_too_many_pixels_is_refused_before_it_is_decoded(side):
    assert side * side > MAX_PIXELS
    bomb = encoded(Image.new("1", (side, side)), "PNG")
    assert len(bomb) < 200_000
    with pytest.raises(DataError, match="more than 89,478,485 pixels"):
        read_image(bomb, channels=3)


def test_postscript_is_not_decoded(tmp_path):
    file = tmp_path / "drawing.png"
    Image.new("RGB", (4, 4)).save(file, "EPS")
    with pytest.raises(DataError, match="not a picture"):
        read_image(file, channels=3)
