"""What a board does with a network's output, in Python: the same bytes as sketches/libraries/KerasTinyPost gives."""
