"""The virtual board: the device side of the link, and a process that runs a model behind it on a pty."""
