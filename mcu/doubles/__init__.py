"""ROM bootloaders as byte machines behind ptys: real clients talk to them, and they misbehave on demand."""
