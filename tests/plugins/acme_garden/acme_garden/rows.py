"""What keras-tiny lists of this package; nothing heavy is imported before it is asked for."""

from keras_tiny.registry import Entry

ACME_NET = Entry("acme_garden.nets:acme_net", task="classification", paper="Acme, internal report 7")
ACME_STRIPES = Entry("acme_garden.stripes:load_stripes", task="classification")
