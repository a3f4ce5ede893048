"""The reliability of the bridge, row by row: what must hold, at how many trials, and what was seen."""
