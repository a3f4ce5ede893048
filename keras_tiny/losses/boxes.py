"""The TensorFlow twins of `keras_tiny.boxes`: whole batches, in graphs that train; equal to NumPy by test."""

from __future__ import annotations

from keras_tiny.boxes.coding import MIN_SIDE
from keras_tiny.boxes.matching import BACKGROUND
from keras_tiny.boxes.nms import MAX_CANDIDATES
from keras_tiny.keras_api import tf


def to_corners(centred: tf.Tensor) -> tf.Tensor:
    """(…, 4) centre x, centre y, width, height → xmin, ymin, xmax, ymax."""
    half = centred[..., 2:] / 2
    return tf.concat([centred[..., :2] - half, centred[..., :2] + half], axis=-1)


def iou(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Of every box of `first` (…, n, 4) with every box of `second` (m, 4): (…, n, m)."""
    low = tf.maximum(first[..., :, None, :2], second[:, :2])
    high = tf.minimum(first[..., :, None, 2:], second[:, 2:])
    sides = tf.maximum(high - low, 0.0)
    shared = sides[..., 0] * sides[..., 1]
    union = _area(first)[..., :, None] + _area(second) - shared
    return tf.math.divide_no_nan(shared, union)


def encode(
    corners: tf.Tensor, anchors: tf.Tensor, *, center_variance: float, size_variance: float
) -> tf.Tensor:
    """Corners (…, count, 4) → what the box outputs should say, as `boxes.coding.encode`."""
    low, high = corners[..., :2], corners[..., 2:]
    shift = ((low + high) / 2 - anchors[:, :2]) / anchors[:, 2:] / center_variance
    sides = tf.math.log(tf.maximum(high - low, MIN_SIDE) / anchors[:, 2:]) / size_variance
    return tf.concat([shift, sides], axis=-1)


def decode(
    offsets: tf.Tensor, anchors: tf.Tensor, *, center_variance: float, size_variance: float
) -> tf.Tensor:
    """Box outputs (…, count, 4) → corners, as `boxes.coding.decode`."""
    centres = offsets[..., :2] * center_variance * anchors[:, 2:] + anchors[:, :2]
    sides = tf.exp(tf.minimum(offsets[..., 2:] * size_variance, 80.0)) * anchors[:, 2:]
    return to_corners(tf.concat([centres, sides], axis=-1))


def match(
    corners: tf.Tensor, classes: tf.Tensor, anchors: tf.Tensor, *, threshold: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """`boxes.matching.match` for a batch of pictures with differing numbers of objects.

    Args:
        corners: float32 (batch, n, 4), shares of the picture; n is that of the fullest picture.
        classes: int32 (batch, n), −1 where there is no object.
        anchors: float32 (count, 4), centre and size.

    Returns:
        labels int32 (batch, count), matched corners float32 (batch, count, 4).
    """
    own = to_corners(anchors)
    batch, objects, count = tf.shape(corners)[0], tf.shape(corners)[1], tf.shape(anchors)[0]
    # One more, absent object: so that there is always one to take the maximum over.
    corners = tf.concat([corners, tf.zeros([batch, 1, 4])], axis=1)
    classes = tf.concat([classes, tf.fill([batch, 1], -1)], axis=1)
    overlap = tf.where(classes[:, :, None] >= 0, iou(corners, own), -1.0)
    owner = tf.argmax(overlap, axis=1, output_type=tf.int32)
    matched = tf.reduce_max(overlap, axis=1) >= threshold
    best_anchor = tf.argmax(overlap, axis=2, output_type=tf.int32)
    claims = tf.logical_and(
        best_anchor[:, :, None] == tf.range(count)[None, None, :],
        tf.reduce_max(overlap, axis=2)[:, :, None] > 0.0,
    )
    claimant = tf.reduce_max(tf.where(claims, tf.range(objects + 1)[None, :, None], -1), axis=1)
    owner = tf.where(claimant >= 0, claimant, owner)
    matched = tf.logical_or(matched, claimant >= 0)
    labels = tf.where(matched, tf.gather(classes, owner, batch_dims=1) + 1, BACKGROUND)
    return labels, tf.where(matched[..., None], tf.gather(corners, owner, batch_dims=1), own)


def mine(background_loss: tf.Tensor, labels: tf.Tensor, *, ratio: float, minimum: int) -> tf.Tensor:
    """`boxes.matching.mine` for a batch: (batch, count) and (batch, count) → bool (batch, count)."""
    objects = labels != BACKGROUND
    found = tf.reduce_sum(tf.cast(objects, tf.float32), axis=1)
    wanted = tf.minimum(tf.maximum(tf.cast(ratio * found, tf.int32), minimum), tf.shape(labels)[1])
    most = tf.reduce_max(wanted)
    hardest = tf.math.top_k(tf.where(objects, float("-inf"), background_loss), k=most).indices
    taken = tf.range(most) < wanted[:, None]
    pictures = tf.cast(tf.where(taken)[:, 0], tf.int32)
    places = tf.stack([pictures, tf.boolean_mask(hardest, taken)], axis=1)
    yes = tf.ones_like(pictures, tf.bool)
    return tf.logical_or(objects, tf.tensor_scatter_nd_update(tf.zeros_like(objects), places, yes))


def nms(
    corners: tf.Tensor,
    scores: tf.Tensor,
    *,
    iou_threshold: float = 0.45,
    score_threshold: float = 0.01,
    max_candidates: int = MAX_CANDIDATES,
) -> tf.Tensor:
    """`boxes.nms.nms`: corners (n, 4), scores (n,) → int32 indices, best first."""
    order = _best(scores, score_threshold=score_threshold, max_candidates=max_candidates)
    kept = tf.image.non_max_suppression(
        tf.gather(corners, order), tf.gather(scores, order), max_candidates, iou_threshold=iou_threshold
    )
    return tf.gather(order, kept)


def soft_nms(
    corners: tf.Tensor,
    scores: tf.Tensor,
    *,
    sigma: float = 0.5,
    score_threshold: float = 0.01,
    max_candidates: int = MAX_CANDIDATES,
) -> tuple[tf.Tensor, tf.Tensor]:
    """`boxes.nms.soft_nms`: int32 indices and their new scores, best first."""
    order = _best(scores, score_threshold=score_threshold, max_candidates=max_candidates)
    kept, values = tf.image.non_max_suppression_with_scores(
        tf.gather(corners, order),
        tf.gather(scores, order),
        max_candidates,
        iou_threshold=1.0,
        score_threshold=score_threshold,
        soft_nms_sigma=sigma / 2,  # TensorFlow's kernel is e^(−IoU²/(2·sigma))
    )
    return tf.gather(order, kept), values


def _area(corners: tf.Tensor) -> tf.Tensor:
    sides = tf.maximum(corners[..., 2:] - corners[..., :2], 0.0)
    return sides[..., 0] * sides[..., 1]


def _best(scores: tf.Tensor, *, score_threshold: float, max_candidates: int) -> tf.Tensor:
    candidates = tf.cast(tf.where(scores > score_threshold)[:, 0], tf.int32)
    order = tf.argsort(tf.gather(scores, candidates), direction="DESCENDING", stable=True)
    return tf.gather(candidates, order[:max_candidates])
