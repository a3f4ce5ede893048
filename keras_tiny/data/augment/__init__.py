"""Random changes of one picture together with its mask, in NumPy and Pillow: what `augment_steps` of a recipe names."""

from keras_tiny.data.augment.steps import STEPS, change

__all__ = ["STEPS", "change"]
