"""A recipe: everything that decides how a training run goes, as one frozen value that is stored with the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from keras_tiny.errors import BadInput, UnknownName

MaskLossName = Literal["cross_entropy", "dice", "jaccard", "focal"]
# keras_tiny/data/augment: what moves, what recolours, what hides.
ChangeName = Literal[
    "whole", "crop_to_mask", "flip", "flip_vertical", "transpose", "rotate", "shift_scale_rotate", "perspective",
    "brightness_contrast", "clahe", "fancy_pca", "sharpen", "box_blur", "gaussian_blur", "glass_blur", "median_blur",
    "motion_blur", "gauss_noise", "iso_noise", "multiplicative_noise", "fog", "rain", "shadow",
    "coarse_dropout", "mask_dropout",
]  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelPart(_Part):
    """Which network, with the arguments of its builder except `input_shape` and `num_classes`."""

    name: str = "mobilenet_v2"
    arguments: dict[str, Any] = Field(default_factory=dict)


class DataPart(_Part):
    """Which pictures, at which size.

    Args:
        source: "digits", "folders:PATH" (docs/how_to/add_a_data_set.md).
        image_size: side of the model's input in pixels; None takes the source's default.
        channels: 1 or 3; None takes the source's default.
        seed: of the split, where the source has no fixed one.
    """

    source: str = "digits"
    image_size: int | tuple[int, int] | None = None
    channels: Literal[1, 3] | None = None
    seed: int = 0


class AugmentPart(_Part):
    """Random changes of the training pictures, drawn anew for every picture and epoch.

    Args:
        shift: largest shift, as a share of the side.
        zoom: largest change of scale: 0.1 means 0.9 to 1.1.
        rotate_degrees: largest rotation, either way.
        flip: mirror left-right with probability one half.
        brightness: largest change, as a share of the full range.
        contrast: factor drawn from 1 - contrast to 1 + contrast.
        cutout: side of a grey square that hides a part, as a share of the side.
    """

    shift: float = Field(0.0, ge=0, lt=1)
    zoom: float = Field(0.0, ge=0, lt=1)
    rotate_degrees: float = Field(0.0, ge=0, le=180)
    flip: bool = False
    brightness: float = Field(0.0, ge=0, le=1)
    contrast: float = Field(0.0, ge=0, lt=1)
    cutout: float = Field(0.0, ge=0, lt=1)


class AugmentStep(_Part):
    """With probability `p` one of the changes `of`, each as likely as the others, done to a picture and its mask.

    A bare name stands for that change, half of the time.
    """

    p: float = Field(0.5, gt=0, le=1)
    of: tuple[ChangeName, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _a_bare_name_is_enough(cls, value: Any) -> Any:
        return {"of": [value]} if isinstance(value, str) else value


class PhasePart(_Part):
    """One pass of training: float, or with fake quantization.

    Args:
        learning_rate: at its highest.
        schedule: cosine to zero; one_cycle rises for 30 % of the steps first; step divides by 10 at 1/2 and 3/4.
        warmup_epochs: linear rise from zero before the schedule starts.
        early_stopping: stop after this many epochs without a better validation metric; None never stops.
        steps_per_epoch: an epoch ends after this many batches, drawn anew each time; None takes every picture.
        keep: the weights of the best validation epoch, or the last ones: where few pictures validate, the best epoch
            is one of luck.
    """

    epochs: int = Field(30, ge=0)
    learning_rate: float = Field(1e-3, gt=0)
    schedule: Literal["constant", "cosine", "one_cycle", "step"] = "cosine"
    warmup_epochs: float = Field(0.0, ge=0)
    early_stopping: int | None = Field(None, ge=1)
    steps_per_epoch: int | None = Field(None, ge=1)
    keep: Literal["best", "last"] = "best"


class OptimizerPart(_Part):
    """Which rule moves the weights.

    Args:
        name: lion (arXiv:2302.06675) wants a learning rate 3 to 10 times smaller than adam's, and a weight decay as
            many times larger.
        momentum, nesterov: of sgd.
        weight_decay: decoupled; never on BatchNorm's parameters and biases.
    """

    name: Literal["adam", "sgd", "lion"] = "adam"
    momentum: float = Field(0.9, ge=0, lt=1)
    nesterov: bool = True
    weight_decay: float = Field(0.0, ge=0)


class DetectionPart(_Part):
    """What only a detector's training takes (SSD, arXiv:1512.02325, sections 2.2 and 3).

    Args:
        match_iou: overlap from which an anchor answers for an object; each object has its best anchor besides.
        negatives_per_positive: background anchors that count for each one that answers for an object, the hardest.
        box_weight: of the box loss in the sum with the class loss.
        photometric: change brightness, contrast, saturation and hue, and shuffle the channels, each half of the time.
        expand: with probability one half the picture is put on a canvas up to so many times as large; 1 is off.
        crop: cut out a part with a smallest overlap with some object, drawn from none, .1, .3, .5, .7 and .9.
        flip: mirror left-right with probability one half; leave it out where it changes the class, as of digits.
    """

    match_iou: float = Field(0.5, gt=0, lt=1)
    negatives_per_positive: float = Field(3.0, gt=0)
    box_weight: float = Field(1.0, gt=0)
    photometric: bool = True
    expand: float = Field(2.0, ge=1, le=4)
    crop: bool = True
    flip: bool = True


class DistillPart(_Part):
    """What a teacher adds to a student's training (keras_tiny/training/distillation.py).

    Args:
        teacher: run folder of the float teacher, trained on the same classes and size; empty is no teacher.
        temperature: softens both sides' answers.
        answers_weight: share of the softened answers in the loss; the truth has the rest.
        pairs: (teacher's layer, student's layer) whose maps are held against each other.
        feature_loss: l2 compares channel by channel, through a 1x1 adapter where their numbers differ; attention
            compares where the maps are strong.
        feature_weight: of the mean over the pairs.
    """

    teacher: str = ""
    temperature: float = Field(4.0, gt=0)
    answers_weight: float = Field(0.5, ge=0, le=1)
    pairs: tuple[tuple[str, str], ...] = ()
    feature_loss: Literal["l2", "attention"] = "l2"
    feature_weight: float = Field(1.0, ge=0)


class WarmStartPart(_Part):
    """Start from weights that another run has learnt.

    Args:
        run: its folder, or the path of a `float.npz`; empty starts from drawn weights. Layers are matched by name and
            shapes; the run says which were not.
        frozen_epochs: for so many of the first float epochs the layers that were taken over stay as they are.
    """

    run: str = ""
    frozen_epochs: int = Field(0, ge=0)


class QuantizePart(_Part):
    """Args: calibration_samples: training pictures that set the activation ranges, for QAT's start and for PTQ."""

    calibration_samples: int = Field(200, ge=1)


class Recipe(_Part):
    """Everything that decides a run; `claim`, `time` and `command` say what it is good for.

    Args:
        augment_steps: of a segmenter, done before `augment` and one after the other (keras_tiny/data/augment).
        float_phase, qat_phase: the two passes; zero epochs leave one out (QAT then only calibrates).
        precision: of the float phase's arithmetic; weights are float32 always, and so is the QAT phase
            (arXiv:1710.03740). mixed_float16 is for GPUs.
        label_smoothing: share of the probability that is spread over all classes.
        class_weights: "balanced" weighs each class by its inverse frequency in the training split; for masks also
            "enet" and "median_frequency" (keras_tiny/losses/class_weights.py).
        mask_losses: of a segmenter: name → weight in the sum (keras_tiny/losses/segmentation.py).
        mixup: alpha of the Beta distribution; 0 is off (arXiv:1710.09412).
    """

    claim: str = ""
    time: str = ""
    command: str = ""
    model: ModelPart = ModelPart()
    data: DataPart = DataPart()
    augment: AugmentPart = AugmentPart()
    augment_steps: tuple[AugmentStep, ...] = ()
    detection: DetectionPart = DetectionPart()
    batch_size: int = Field(32, ge=1)
    optimizer: OptimizerPart = OptimizerPart()
    warm_start: WarmStartPart = WarmStartPart()
    distill: DistillPart = DistillPart()
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    float_phase: PhasePart = PhasePart()
    qat_phase: PhasePart = PhasePart(epochs=5, learning_rate=1e-4)
    quantize: QuantizePart = QuantizePart()
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    class_weights: Literal["none", "balanced", "enet", "median_frequency"] = "none"
    mask_losses: dict[MaskLossName, float] = Field(default={"cross_entropy": 1.0}, min_length=1)
    mixup: float = Field(0.0, ge=0)
    seed: int = Field(0, ge=0)

    @field_validator("model", "data", "warm_start", mode="before")
    @classmethod
    def _a_bare_name_is_enough(cls, value: Any, info: Any) -> Any:
        if isinstance(value, str):
            return {{"model": "name", "data": "source", "warm_start": "run"}[info.field_name]: value}
        return value


def parse_recipe(fields: object, *, origin: str) -> Recipe:
    """A recipe from plain values.

    Args:
        origin: where the values come from, for the error message.

    Raises:
        UnknownName: a key that is misspelt, with near names.
        BadInput: a value of the wrong type or out of range.
    """
    if not isinstance(fields, dict):
        raise BadInput(
            f"{origin} does not hold a recipe: expected keys and values, got {type(fields).__name__}."
        )
    try:
        return Recipe.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        path = [str(part) for part in first["loc"]]
        if first["type"] == "extra_forbidden":
            raise UnknownName(f"recipe key ({origin})", ".".join(path), known_keys(under=path[:-1])) from None
        raise BadInput(f"{origin}: {'.'.join(path)}: {first['msg']}, got {first['input']!r}.") from None


def known_keys(under: list[str] | None = None) -> list[str]:
    """Every key of a recipe, dotted, e.g. "float_phase.epochs"; only those below `under` if given."""
    keys: list[str] = []

    def walk(part: type[BaseModel], prefix: str) -> None:
        for name, field in part.model_fields.items():
            kind = field.annotation
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                walk(kind, f"{prefix}{name}.")
            else:
                keys.append(f"{prefix}{name}")

    walk(Recipe, "")
    start = ".".join(under or [])
    return [key for key in keys if key.startswith(start)]


def load_recipe(path: str | Path) -> Recipe:
    """A recipe from a YAML file, read by the safe loader: it can build nothing but plain values."""
    return parse_recipe(read_yaml(path), origin=str(path))


def find_recipe(name: str) -> Recipe:
    """A recipe by the path of its YAML file, or by its name in the garden (`keras_tiny/recipes`)."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        return load_recipe(path)
    garden = {recipe.stem: recipe for recipe in Path(__file__).with_name("recipes").glob("*.yaml")}
    if name not in garden:
        raise UnknownName("recipe", name, garden)
    return load_recipe(garden[name])


def read_yaml(path: str | Path) -> object:
    """The plain values of a YAML file; an empty file is an empty mapping."""
    import yaml

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"Cannot read the recipe {path}: {error}.") from None
    try:
        return yaml.safe_load(text) or {}
    except (yaml.YAMLError, RecursionError) as error:
        raise BadInput(f"{path} is not plain YAML: {' '.join(str(error).split())}.") from None


def override(recipe: Recipe, settings: list[str]) -> Recipe:
    """The recipe with `key=value` settings applied, e.g. "float_phase.epochs=3", "model.arguments.width=0.5".

    A value is read as YAML, so `true`, `0.5`, `[1, 2]` and plain words all work.
    """
    import yaml

    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise BadInput(
                f"--set takes key=value, got '{setting}'.", hint="For example: --set float_phase.epochs=3"
            )
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise BadInput(f"--set {key}: cannot read the value '{text}'.") from None
        fields = recipe.model_dump(mode="json")
        *parents, last = key.strip().split(".")
        place: Any = fields
        for parent in parents:
            place = place.get(parent) if isinstance(place, dict) else None
        free = place is fields["model"]["arguments"]
        if not isinstance(place, dict) or (last not in place and not free):
            raise UnknownName("recipe key", key, known_keys())
        place[last] = value
        recipe = parse_recipe(fields, origin="--set")
    return recipe


def dump_recipe(recipe: Recipe) -> str:
    """The recipe as YAML, every value spelt out; `load_recipe` reads it back equal."""
    import yaml

    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
