"""Which rows docs/reference/results.md has: a recipe of the garden each, with what it changes of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One training run.

    Attributes:
        name: of the row, and of its folder.
        recipe: of the garden.
        settings: "key=value" of the recipe, as `keras-tiny train --set` takes them.
        warm_start: "table/row" of the run that it starts from, None for none.
    """

    name: str
    recipe: str
    settings: tuple[str, ...] = ()
    warm_start: str | None = None


@dataclass(frozen=True)
class Table:
    """Rows that are read together.

    Attributes:
        source: of the data, `{data}` stands for the folder with the real data sets.
        seeds: whether the rows differ in their seed alone, so that their mean says something.
    """

    name: str
    source: str
    rows: tuple[Row, ...]
    seeds: bool = False


def _garden(name: str, model: str, arguments: str, *settings: str) -> Row:
    changes = (f"model.name={model}", f"model.arguments={arguments}", *settings)
    return Row(name, "cifar10_ten_minutes", changes)


# Thin and deep: in as many epochs half the batch, twice as many steps, learns more.
SMALL_BATCHES = (
    "batch_size=64",
    "float_phase.learning_rate=0.05",
    "qat_phase.learning_rate=0.005",
    "qat_phase.steps_per_epoch=350",
)

TABLES = {
    table.name: table
    for table in (
        Table(
            name="cifar10",
            source="cifar10:{data}/cifar10",
            rows=(Row("cifar10_mobilenet_v1", "cifar10_mobilenet_v1"),),
        ),
        Table(
            name="cifar10_garden",
            source="cifar10:{data}/cifar10",
            rows=(
                _garden("mobilenet_v1-0.5", "mobilenet_v1", "{width: 0.5}"),
                _garden("mobilenet_v2-0.5", "mobilenet_v2", "{width: 0.5, dropout: 0.0}", *SMALL_BATCHES),
                _garden(
                    "mobilenet_v3_small-0.75",
                    "mobilenet_v3_small",
                    "{width: 0.75, dropout: 0.0}",
                    *SMALL_BATCHES,
                    "data.image_size=64",
                    "float_phase.epochs=4",
                ),
                _garden(
                    "mobilenet_v3_large-0.5",
                    "mobilenet_v3_large",
                    "{width: 0.5, dropout: 0.0}",
                    *SMALL_BATCHES,
                    "float_phase.epochs=5",
                    "qat_phase.steps_per_epoch=120",
                ),
                _garden(
                    "squeezenet",
                    "squeezenet",
                    "{batch_norm: true, dropout: 0.0}",
                    "float_phase.learning_rate=0.1",
                ),
                _garden("etinynet-1.0", "etinynet", "{width: 1.0}"),
                _garden("etinynet-0.75", "etinynet", "{width: 0.75}", *SMALL_BATCHES),
                _garden("etinynet-0.5", "etinynet", "{width: 0.5}", *SMALL_BATCHES),
                _garden("etinynet-0.35", "etinynet", "{width: 0.35}", *SMALL_BATCHES),
            ),
        ),
        Table(
            name="camvid",
            source="paired_masks:{data}/camvid_240x180",
            rows=tuple(
                Row(name, f"camvid_{name}")
                for name in (
                    "unet5",
                    "unet4",
                    "mobile_unet",
                    "espnet",
                    "efficient_unet",
                    "small_unet4",
                    "tiny_unet5",
                )
            ),
        ),
        Table(
            name="digits",
            source="digits",
            rows=(Row("etinynet", "digits_etinynet"),),
        ),
        Table(
            name="digits_scenes",
            source="digits_scenes",
            rows=(Row("etinynet_ssdlite", "digits_scenes_etinynet_ssdlite", warm_start="digits/etinynet"),),
        ),
        Table(
            name="raccoons",
            source="pascal_voc:{data}/raccoon?test_every=5",
            rows=tuple(
                Row(
                    f"seed-{seed}",
                    "raccoons_etinynet_ssdlite",
                    (f"seed={seed}",),
                    warm_start="cifar10_garden/etinynet-1.0",
                )
                for seed in (1, 2, 3)
            ),
            seeds=True,
        ),
        Table(
            name="digits_ink",
            source="digits_ink",
            rows=(Row("unet5", "digits_ink_unet5"),),
        ),
    )
}
