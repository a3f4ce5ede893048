"""table.csv against the published and measured numbers, typed here, and against the builders."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keras_tiny import models
from keras_tiny.export.make_table import measure
from keras_tiny.keras_api import keras
from keras_tiny.models.table import TABLE_PATH, TableRow, read_table, to_csv
from keras_tiny.models.variants import variants
from keras_tiny.profile.count_variant import build_variant, count
from tests.support import require

TABLE = {row.name: row for row in read_table()}
VARIANTS = {variant.name: variant for variant in variants()}

# Parameters, with BatchNorm statistics (None where nobody printed them), MACs without BatchNorm and bias.
EXPECTED: dict[str, tuple[int, int | None, int]] = {
    "mobilenet_v1-1.0-224": (4_231_976, 4_253_864, 568_740_352),
    "mobilenet_v1-0.75-224": (2_585_560, 2_601_976, 325_400_448),
    "mobilenet_v1-0.5-224": (1_331_592, 1_342_536, 149_497_088),
    "mobilenet_v1-0.25-224": (470_072, 475_544, 41_030_272),
    "mobilenet_v1-0.25-96-2_classes": (213_586, 219_058, 7_489_664),
    "mobilenet_v1-1.0-32-10_classes": (3_217_226, None, 11_596_288),
    "mobilenet_v1-0.25-32-10_classes": (215_642, None, 834_688),
    "mobilenet_v2-1.0-224": (3_504_872, 3_538_984, 300_774_272),
    "mobilenet_v2-0.75-224": (2_636_424, 2_663_064, 209_069_792),
    "mobilenet_v2-0.5-224": (1_968_680, 1_987_224, 97_131_840),
    "mobilenet_v2-0.35-224": (1_677_128, 1_691_208, 59_285_808),
    "mobilenet_v2-0.25-224": (1_519_112, None, 37_201_312),
    "mobilenet_v2-0.1-224": (1_367_080, None, 26_659_648),
    "mobilenet_v2-0.35-96-2_classes": (398_690, 412_770, 10_656_688),
    "mobilenet_v2-1.0-32-10_classes": (2_236_682, None, 6_124_928),
    "mobilenet_v2-0.35-32-10_classes": (408_938, None, 1_196_592),
    "mobilenet_v3_small-1.0-224": (2_542_856, 2_554_968, 56_510_400),
    "mobilenet_v3_large-1.0-224": (5_483_032, 5_507_432, 216_589_760),
    "mobilenet_v3_small-minimalistic-1.0-224": (2_044_736, 2_056_848, 52_288_448),
    "mobilenet_v3_large-minimalistic-1.0-224": (3_924_288, 3_948_688, 209_136_704),
    "mobilenet_v3_small-keras-0.75-224": (2_041_872, None, 43_399_344),
    "mobilenet_v3_small-keras-0.5-224": (1_593_224, None, 24_188_688),
    "mobilenet_v3_small-0.75-224": (1_653_920, None, 39_115_576),
    "mobilenet_v3_small-0.5-224": (917_264, None, 18_970_736),
    "mobilenet_v3_small-0.35-224": (558_744, None, 11_238_936),
    "mobilenet_v3_small-0.25-224": (374_272, None, 9_030_120),
    "mobilenet_v3_large-keras-0.75-224": (3_993_528, None, 154_560_624),
    "mobilenet_v3_large-keras-0.5-224": (2_689_904, None, 73_663_088),
    "mobilenet_v3_large-0.75-224": (3_377_576, None, 140_033_816),
    "mobilenet_v3_large-0.5-224": (1_734_576, None, 64_962_192),
    "mobilenet_v3_large-0.35-224": (997_064, None, 35_278_408),
    "mobilenet_v3_small-1.0-32-10_classes": (1_528_106, None, 2_169_792),
    "mobilenet_v3_large-1.0-32-10_classes": (4_214_842, None, 7_087_040),
    "squeezenet-1.0-224": (1_235_496, 1_235_496, 349_151_936),
    "etinynet-identity-1.0-224": (963_816, 976_360, 113_705_920),
    "etinynet-identity-floor-0.75-224": (647_848, 657_256, 69_172_944),
    "etinynet-identity-paper-0.75-224": (671_464, 681_304, 73_007_880),
    "mobilenet_v2_features-floor-0.35-256": (386_665, 400_127, 60_684_672),
    "mobilenet_v2_features-0.35-256": (396_128, None, 75_762_688),
    "mobilenet_v2_features-no_tail-0.35-256": (250_208, None, 66_587_648),
    "squeezenet_features-1.0-256": (722_496, 722_496, 346_897_088),
    "etinynet_features-project-floor-1.0-256": (658_880, 672_576, 165_732_352),
    "etinynet_features-project-floor-0.75-256": (380_496, None, 99_919_872),
    "etinynet_features-project-floor-0.5-256": (177_888, None, 50_360_320),
    "etinynet_features-project-floor-0.35-256": (91_637, None, 27_833_792),
    "etinynet_features-identity-floor-1.0-256": (450_816, 463_360, 147_845_120),
    "etinynet_features-identity-floor-0.75-256": (262_848, None, 89_846_784),
    "etinynet_features-identity-floor-0.5-256": (125_056, None, 45_873_152),
    "etinynet_features-identity-floor-0.35-256": (65_660, None, 25_656_640),
    "ssdlite-etinynet-floor-1.0-256": (976_372, 996_212, 181_493_376),
    "ssdlite-etinynet-floor-0.75-256": (669_508, 685_092, 112_150_144),
    "ssdlite-etinynet-floor-0.5-256": (438_420, 449_748, 59_059_840),
    "ssdlite-etinynet-floor-0.35-256": (334_993, 343_723, 34_375_360),
    "ssdlite-etinynet-floor-1.0-256-1_class": (968_022, None, 180_447_872),
    "ssdlite-etinynet-floor-0.75-256-1_class": (662_342, None, 111_358_592),
    "ssdlite-etinynet-floor-0.5-256-1_class": (432_438, None, 58_522_240),
    "ssdlite-etinynet-floor-0.35-256-1_class": (329_727, None, 33_993_792),
    "ssdlite-etinynet-identity-floor-1.0-256": (768_308, None, 163_606_144),
    "ssdlite-etinynet-identity-floor-0.75-256": (551_860, None, 102_077_056),
    "ssdlite-etinynet-identity-floor-0.5-256": (385_588, None, 54_572_672),
    "ssdlite-etinynet-identity-floor-0.35-256": (309_016, None, 32_198_208),
    "ssd-etinynet-floor-1.0-256": (2_125_300, None, 233_232_384),
    "ssd-etinynet-floor-0.75-256": (1_766_596, None, 152_657_920),
    "ssd-etinynet-floor-0.5-256": (1_483_668, None, 88_336_384),
    "ssd-etinynet-floor-0.35-256": (1_348_897, None, 56_753_344),
    "ssdlite-mobilenet_v2-0.35-256": (490_964, 506_900, 76_313_216),
    "ssdlite-mobilenet_v2-tail-0.35-256": (856_468, 879_636, 99_093_120),
    "ssd-mobilenet_v2-0.35-256": (1_528_916, None, 115_438_592),
    "ssd-mobilenet_v2-tail-0.35-256": (2_202_772, None, 158_401_536),
    "ssdlite-squeezenet-256": (1_322_868, 1_322_868, 409_079_616),
    "ssdlite-squeezenet-256-1_class": (1_312_086, 1_312_086, 407_178_048),
    "ssd-squeezenet-256": (3_631_732, 3_631_732, 565_613_248),
    "unet5-alpha1-256": (31_037_632, 31_037_632 + 5_888, 48_167_387_136),
    "unet5-alpha2-256": (7_763_040, 7_763_040 + 2_944, 12_071_206_912),
    "unet5-alpha4-256": (1_942_576, 1_942_576 + 1_472, 3_032_481_792),
    "unet5-alpha8-256": (486_552, 486_552 + 736, 765_460_480),
    "unet5-alpha1-256-2_classes": (31_037_696, None, 48_171_581_440),
    "unet5-alpha1-256-21_classes": (31_038_912, None, 48_251_273_216),
    "unet4-alpha1-256": (7_700_160, 7_700_160 + 2_816, 36_758_880_256),
    "unet4-alpha2-256": (1_927_008, 1_927_008 + 1_408, 9_219_080_192),
    "unet4-alpha4-256": (482_736, 482_736 + 704, 2_319_450_112),
    "unet4-alpha8-256": (121_176, 121_176 + 352, 587_202_560),
    "mobile_unet-256": (4_414_681, 4_414_681 + 32_848, 688_758_784),
    "mobile_unet-256-2_classes": (4_414_938, 4_414_938 + 32_848, 692_953_088),
    "mobile_unet-256-3_classes": (4_415_195, 4_415_195 + 32_848, 697_147_392),
    "mobile_unet-256-21_classes": (4_419_821, 4_419_821 + 32_848, 772_644_864),
    "espnet-2_3-256": (348_697, 348_697 + 1_446, 608_661_504),
    "espnet-2_3-256-2_classes": (349_188, 349_188 + 1_452, 610_263_040),
    "espnet-2_3-256-21_classes": (368_017, 368_017 + 1_566, 702_951_424),
    "espnet-5_8-256": (586_713, None, 944_205_824),
    "espnet-5_8-256-2_classes": (587_204, None, 945_807_360),
    "espnet-5_8-256-21_classes": (606_033, None, 1_038_495_744),
    "efficient_unet-64_to_512-256": (4_564_511, 4_577_567, 14_946_074_624),
    "efficient_unet-64_to_512-224": (4_564_511, 4_577_567, 11_443_088_384),
    "efficient_unet-32_to_256-256": (1_196_831, None, 3_984_261_120),
    "efficient_unet-16_to_128-256": (327_071, None, 1_120_600_064),
    "efficient_unet-8_to_64-256": (95_711, None, 343_080_960),
}

# As TinyML_Det prints them: MACs in thop's convention, MiB of 4-byte parameters, at 256×256×3.
PUBLISHED = {
    "mobilenet_v2_features-floor-0.35-256": ("72.537M", "1.48MB"),
    "squeezenet_features-1.0-256": ("346.897M", "2.76MB"),
    "etinynet_features-project-floor-1.0-256": ("182.673M", "2.51MB"),
    "etinynet_features-project-floor-0.75-256": ("112.626M", "1.45MB"),
    "etinynet_features-project-floor-0.5-256": ("58.831M", "0.68MB"),
    "etinynet_features-project-floor-0.35-256": ("33.669M", "0.35MB"),  # printed as 91.637K parameters
}
# The detectors of the same table; its parameters are those of another working copy, except the first's and the last's.
PUBLISHED_DETECTOR_MACS = {
    "ssdlite-etinynet-floor-1.0-256-1_class": "199.145M",
    "ssdlite-etinynet-floor-0.75-256-1_class": "125.394M",
    "ssdlite-etinynet-floor-0.5-256-1_class": "67.896M",
    "ssdlite-etinynet-floor-0.35-256-1_class": "40.470M",
    "ssdlite-squeezenet-256-1_class": "407.178M",
}
# With two classes, as measured on TinyML_Det's own code with thop.
MEASURED_DETECTOR_MACS = {
    "ssdlite-etinynet-floor-1.0-256": 200_190_080,
    "ssdlite-etinynet-floor-0.75-256": 126_185_600,
    "ssdlite-etinynet-floor-0.5-256": 68_434_048,
    "ssdlite-etinynet-floor-0.35-256": 40_851_904,
    "ssdlite-mobilenet_v2-0.35-256": 92_230_784,
    "ssdlite-mobilenet_v2-tail-0.35-256": 115_936_384,
    "ssdlite-squeezenet-256": 409_079_616,
    "ssd-squeezenet-256": 565_613_248,
}

# Building them all takes minutes, exporting them longer; the first row of each model touches every builder.
FIRST = {variant.model: variant.name for variant in reversed(variants())}
# Exported every time too: the quickest.
MEASURED_EVERY_TIME = {"unet4-alpha16-64-2_classes"}


def test_the_table_has_every_variant_in_order_and_nothing_else() -> None:
    assert list(TABLE) == list(VARIANTS)
    assert set(TABLE) >= set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_parameters_and_macs_are_the_expected_ones_to_the_digit(name: str) -> None:
    params, with_statistics, macs = EXPECTED[name]
    row = TABLE[name]
    assert (row.params, row.macs) == (params, macs)
    if with_statistics is not None:
        assert row.params_with_bn_statistics == with_statistics


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_figures_are_reproduced_to_the_printed_digit(name: str) -> None:
    row = TABLE[name]
    assert (f"{row.macs_thop / 1e6:.3f}M", f"{row.bytes_fp32 / 2**20:.2f}MB") == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED_DETECTOR_MACS)
def test_published_macs_of_detectors_are_reproduced_to_the_printed_digit(name: str) -> None:
    assert f"{TABLE[name].macs_thop / 1e6:.3f}M" == PUBLISHED_DETECTOR_MACS[name]


@pytest.mark.parametrize("name", MEASURED_DETECTOR_MACS)
def test_detectors_with_background_have_the_macs_that_thop_measures(name: str) -> None:
    assert TABLE[name].macs_thop == MEASURED_DETECTOR_MACS[name]


def test_the_squeezenet_detector_has_the_published_size() -> None:
    assert f"{TABLE['ssdlite-squeezenet-256-1_class'].bytes_fp32 / 2**20:.2f}MB" == "5.01MB"


def test_the_smallest_published_backbone_has_91637_parameters() -> None:
    assert f"{TABLE['etinynet_features-project-floor-0.35-256'].params / 1e3:.3f}K" == "91.637K"


@pytest.mark.parametrize(
    "name",
    [name if name in FIRST.values() else pytest.param(name, marks=pytest.mark.slow) for name in VARIANTS],
)
def test_a_row_is_what_its_builder_builds(name: str) -> None:
    keras.backend.clear_session()
    variant = VARIANTS[name]
    unmeasured = {"tflite_bytes": None, "arena_bytes": None, "arena_bytes_32bit": None}
    assert count(variant, build_variant(variant)) == replace(TABLE[name], **unmeasured)


@pytest.mark.parametrize(
    "name",
    [
        name if name in MEASURED_EVERY_TIME else pytest.param(name, marks=pytest.mark.slow)
        for name, variant in VARIANTS.items()
        if variant.deployable
    ],
)
def test_a_row_is_what_the_exported_file_measures(name: str) -> None:
    require("module:tflite_micro")
    keras.backend.clear_session()
    assert measure(VARIANTS[name]) == TABLE[name]


def test_every_model_has_a_row() -> None:
    assert {row.model for row in TABLE.values()} == set(models.MODELS) == set(FIRST)


def test_every_model_begins_with_a_variant_for_boards() -> None:
    for name in FIRST.values():
        assert VARIANTS[name].deployable


def test_what_is_for_boards_is_measured_and_fits_into_a_mebibyte() -> None:
    for name, row in TABLE.items():
        if not VARIANTS[name].deployable:
            assert row.tflite_bytes is row.arena_bytes is row.arena_bytes_32bit is None
            continue
        assert row.num_classes is not None
        assert row.tflite_bytes is not None
        assert row.arena_bytes is not None
        assert row.arena_bytes_32bit is not None
        assert row.arena_bytes_32bit < row.arena_bytes < 1 << 20, name
        assert row.tflite_bytes > row.params, name


def test_the_table_is_written_as_it_is_read() -> None:
    assert to_csv(TABLE.values()) == TABLE_PATH.read_text()
    assert all(isinstance(row, TableRow) for row in TABLE.values())
