"""URL handlers in pyserial's form: a module `protocol_NAME` with a class `Serial` serves `NAME://`."""
