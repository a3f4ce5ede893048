"""TensorFlow's C++ side writes to stderr while it loads, before any setting can stop it; here it is held back."""

from __future__ import annotations

import os
import sys
import tempfile


def load_tensorflow() -> None:
    """Import TensorFlow without its start-up chatter; if the import fails, everything it wrote is shown."""
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            from keras_tiny.keras_api import load_tfmot, tf

            load_tfmot()
            tf.config.list_physical_devices()  # the search for a GPU is the last thing that chatters
            tf.get_logger().setLevel("ERROR")
        except BaseException:
            chatter.seek(0)
            os.write(kept, chatter.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
