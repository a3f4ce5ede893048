"""Data sets by name: `digits`, `folders:PATH`, each read into one `Dataset` of `Sample`s."""
