"""From a picture on disk to the model's input, the same in training, on the desk and in front of the board."""
