"""A whole split decoded and resized into one uint8 array, or only decoded to see that every picture can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_tiny.data.sample import Dataset, Sample, Split
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import resize
from keras_tiny.preprocessing.spec import PreprocessingSpec

# progress(done, total), in pictures.
Progress = Callable[[int, int], None]
# use_truth(index, sample): see `prepare_images`.
UseTruth = Callable[[int, Sample], None]

# A thread takes this many pictures at a time: handing over single 32x32 pictures costs more than decoding them.
_CHUNK = 64
_NAMED = 20


class BadImages(DataError):
    """Pictures that cannot be decoded.

    Attributes:
        reasons: one sentence for each of them, all of them; the message itself has the first 20.
    """

    def __init__(self, reasons: list[str], *, of: int):
        self.reasons = tuple(reasons)
        named = "\n".join(f"  {reason}" for reason in reasons[:_NAMED])
        more = f"\n  … and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
        super().__init__(
            f"{len(reasons)} of {of} pictures cannot be read:\n{named}{more}\n",
            hint="Replace or remove them.",
        )


def prepare_split(
    split: Split, spec: PreprocessingSpec, *, progress: Progress | None = None, workers: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Decode and resize every picture of a split, in its order, with its class.

    Returns:
        images: uint8 (len(split), height, width, channels), see `prepare_images`.
        labels: int64 (len(split),).

    Raises:
        BadImages, DataError: as `prepare_images`; for a split without class labels.
    """
    if split.labels is None:
        raise DataError(f"The split '{split.name}' has no class labels.")
    images = prepare_images(split, spec, progress=progress, workers=workers)
    return images, split.labels.copy()


def prepare_images(
    split: Split,
    spec: PreprocessingSpec,
    *,
    use_truth: UseTruth = lambda index, sample: None,
    progress: Progress | None = None,
    workers: int = 2,
) -> np.ndarray:
    """Decode and resize every picture of a split, in its order.

    `normalise(images[i], spec)` is `prepare(split[i].image, spec)` to the bit: what is kept is the uint8 picture
    before the normalisation, a quarter of the memory.

    Args:
        use_truth: called once per sample, from several threads and in no fixed order, with the sample as it was
            read (its picture not resized): where a task takes boxes or a mask and brings them to the model's size.
            A `DataError` from it counts as a picture that cannot be read.

    Returns:
        uint8 (len(split), height, width, channels).

    Raises:
        BadImages: after the whole split was tried, with every picture that cannot be decoded.
        DataError: for a split that does not fit into memory.
    """
    shape = (len(split), spec.height, spec.width, spec.channels)
    try:
        images = np.empty(shape, np.uint8)
    except MemoryError as error:
        raise DataError(
            f"The split '{split.name}' needs {np.prod(shape, dtype=np.int64) / 2**30:.1f} GiB at "
            f"{spec.height}x{spec.width}x{spec.channels}.",
            hint="Take a smaller image_size.",
        ) from error

    def store(index: int, sample: Sample) -> None:
        images[index] = resize(sample.image, spec)
        use_truth(index, sample)

    reasons = _visit(split, store, progress=progress, workers=workers)
    if reasons:
        raise BadImages(reasons, of=len(split))
    return images


def check(dataset: Dataset, *, progress: Progress | None = None, workers: int = 2) -> None:
    """Read every picture of every split, with its boxes or mask, once, before hours are spent on training.

    Raises:
        BadImages: with every picture that cannot be decoded.
    """
    splits = (dataset.train, dataset.val, dataset.test)
    total = sum(len(split) for split in splits)
    reasons: list[str] = []
    before = 0
    for split in splits:
        shifted = None if progress is None else _shifted(progress, by=before, total=total)
        reasons += _visit(split, lambda index, sample: None, progress=shifted, workers=workers)
        before += len(split)
    if reasons:
        raise BadImages(reasons, of=total)


def _visit(split: Split, use: UseTruth, *, progress: Progress | None, workers: int) -> list[str]:
    """Read every sample of the split and hand it to `use` in a thread; returns why some cannot be read."""

    def visit_chunk(indices: range) -> tuple[int, list[str]]:
        reasons = []
        for index in indices:
            try:
                use(index, split[index])
            except DataError as error:
                reasons.append(error.message)
        return len(indices), reasons

    done, reasons = 0, []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            for count, bad in pool.map(visit_chunk, _chunks(len(split))):
                done += count
                reasons += bad
                if progress is not None:
                    progress(done, len(split))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C must not wait for 50,000 pictures
            raise
    return reasons


def _chunks(total: int) -> Iterator[range]:
    return (range(start, min(start + _CHUNK, total)) for start in range(0, total, _CHUNK))


def _shifted(progress: Progress, *, by: int, total: int) -> Progress:
    return lambda done, _: progress(by + done, total)
