"""Where tensorflow-model-optimization 0.8 keeps its extension points: the one file that knows its inner paths."""

from __future__ import annotations

from keras_tiny.keras_api import load_tfmot

load_tfmot()  # before anything of tfmot is imported: see there

from tensorflow_model_optimization.python.core.quantization.keras import quantizers  # noqa: E402
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit.default_8bit_transforms import (  # noqa: E402
    SeparableConvQuantize as SplitSeparableConv,
)
from tensorflow_model_optimization.python.core.quantization.keras.graph_transformations.model_transformer import (  # noqa: E402
    ModelTransformer,
)
from tensorflow_model_optimization.python.core.quantization.keras.graph_transformations.transforms import (  # noqa: E402
    LayerNode,
    LayerPattern,
    Transform,
)
from tensorflow_model_optimization.python.core.quantization.keras.quantize import (  # noqa: E402
    quantize_annotate_model,
    quantize_apply,
    quantize_scope,
)
from tensorflow_model_optimization.python.core.quantization.keras.quantize_config import (  # noqa: E402
    QuantizeConfig,
)
from tensorflow_model_optimization.python.core.quantization.keras.quantize_layer import (  # noqa: E402
    QuantizeLayer,
)
from tensorflow_model_optimization.python.core.quantization.keras.quantize_layout_transform import (  # noqa: E402
    QuantizeLayoutTransform,
)
from tensorflow_model_optimization.python.core.quantization.keras.quantize_registry import (  # noqa: E402
    QuantizeRegistry,
)
from tensorflow_model_optimization.python.core.quantization.keras.quantize_scheme import (  # noqa: E402
    QuantizeScheme,
)
from tensorflow_model_optimization.python.core.quantization.keras.quantize_wrapper import (  # noqa: E402
    QuantizeWrapper,
    QuantizeWrapperV2,
)

FixedQuantizer = quantizers.FixedQuantizer
Quantizer = quantizers.Quantizer

__all__ = [
    "FixedQuantizer",
    "LayerNode",
    "LayerPattern",
    "ModelTransformer",
    "QuantizeConfig",
    "QuantizeLayer",
    "QuantizeLayoutTransform",
    "QuantizeRegistry",
    "QuantizeScheme",
    "QuantizeWrapper",
    "QuantizeWrapperV2",
    "Quantizer",
    "SplitSeparableConv",
    "Transform",
    "quantize_annotate_model",
    "quantize_apply",
    "quantize_scope",
]
