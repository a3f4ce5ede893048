"""A package of somebody else's, which adds a model, a data set and a board to keras-tiny."""
