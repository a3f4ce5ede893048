"""Read a CIFAR batch without Python's pickle machine, which would run whatever a file asks for.

The batches of the python distribution are pickles (https://www.cs.toronto.edu/~kriz/cifar.html). This reader walks the
opcodes that `pickletools` decodes, knows those that build dicts, lists, tuples, numbers, text and bytes, and answers
the three or four names that NumPy's own arrays ask for with plain data of its own. No name is ever imported and no
function of the file's choosing is ever called; any other opcode or name is an error.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_tiny.errors import DataError


@dataclass(frozen=True)
class _Name:
    """Something the file wants imported; it stays a name."""

    module: str
    attribute: str


@dataclass
class _Array:
    """A NumPy array in the making; BUILD gives it its pixels."""

    pixels: np.ndarray | None = None


_UINT8 = object()  # stands for numpy.dtype("u1"), the only element type of CIFAR
_MARK = object()

_NUMBERS = {"BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1"}
_TEXTS = {
    "STRING",
    "BINSTRING",
    "SHORT_BINSTRING",
    "UNICODE",
    "BINUNICODE",
    "SHORT_BINUNICODE",
    "BINUNICODE8",
}
_BYTES = {"BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
_LITERALS = _NUMBERS | _TEXTS | _BYTES
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_RECONSTRUCT = {
    _Name("numpy.core.multiarray", "_reconstruct"),
    _Name("numpy._core.multiarray", "_reconstruct"),
}
_FROM_BUFFER = {_Name("numpy.core.numeric", "_frombuffer"), _Name("numpy._core.numeric", "_frombuffer")}
_NDARRAY = _Name("numpy", "ndarray")
_DTYPE = _Name("numpy", "dtype")
_ENCODE = _Name("_codecs", "encode")  # how Python 3 writes bytes into an old protocol
_KNOWN = {*_RECONSTRUCT, *_FROM_BUFFER, _NDARRAY, _DTYPE, _ENCODE}


class _Refused(Exception):
    """The file asks for something that a CIFAR batch does not need."""


def read_batch(content: bytes, *, name: str) -> dict[str, Any]:
    """The dict of a batch file: "data" as uint8 array, "labels" as list, and what else it holds.

    Args:
        content: the whole file.
        name: of the file, for errors.

    Raises:
        DataError: for a file that is truncated, is no pickle, or asks for anything that is not plain data; nothing
            that it asks for has been run.
    """
    try:
        result = _walk(content)
    except _Refused as error:
        raise DataError(
            f"{name} is refused: {error}. A CIFAR batch holds plain data; nothing of the file was run.",
            hint="Do not trust this copy; take the data set from its authors' page.",
        ) from error
    # Malformed opcodes end as many kinds of exception (an empty stack, a bad length, a wrong operand); all say damaged.
    except Exception as error:
        raise DataError(
            f"{name} is truncated or no CIFAR batch: {str(error) or type(error).__name__}.",
            hint="Unpack the archive again, or download it again.",
        ) from error
    if not isinstance(result, dict):
        raise DataError(f"{name} is no CIFAR batch: it holds a {type(result).__name__}, not a dict.")
    return {key: value.pixels if isinstance(value, _Array) else value for key, value in result.items()}


def _walk(content: bytes) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    argument: Any
    for opcode, argument, _ in pickletools.genops(content):
        code = opcode.name
        if code in _LITERALS:
            stack.append(argument)
        elif code in _CONSTANTS:
            stack.append(_CONSTANTS[code])
        elif code in ("PROTO", "FRAME"):
            pass
        elif code in ("EMPTY_DICT", "EMPTY_LIST"):
            stack.append({} if code == "EMPTY_DICT" else [])
        elif code == "EMPTY_TUPLE":
            stack.append(())
        elif code == "MARK":
            stack.append(_MARK)
        elif code in ("TUPLE1", "TUPLE2", "TUPLE3"):
            items = _pop(stack, int(code[-1]))
            stack.append(tuple(items))
        elif code == "TUPLE":
            stack.append(tuple(_pop_to_mark(stack)))
        elif code == "LIST":
            stack.append(_pop_to_mark(stack))
        elif code == "DICT":
            stack.append(_pairs(_pop_to_mark(stack)))
        elif code in ("APPEND", "APPENDS"):
            items = [stack.pop()] if code == "APPEND" else _pop_to_mark(stack)
            _expect(stack[-1], list).extend(items)
        elif code in ("SETITEM", "SETITEMS"):
            items = _pop(stack, 2) if code == "SETITEM" else _pop_to_mark(stack)
            _expect(stack[-1], dict).update(_pairs(items))
        elif code in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif code == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif code in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif code == "GLOBAL":
            stack.append(_known(*argument.split(" ", 1)))
        elif code == "STACK_GLOBAL":
            stack.append(_known(*_pop(stack, 2)))
        elif code == "REDUCE":
            function, arguments = _pop(stack, 2)
            stack.append(_reduce(function, arguments))
        elif code == "BUILD":
            state = stack.pop()
            _build(stack[-1], state)
        elif code == "STOP":
            return stack.pop()
        else:
            raise _Refused(f"it uses the opcode {code}")
    raise EOFError("it ends before its end mark")


def _known(module: Any, attribute: Any) -> _Name:
    name = _Name(_expect(module, str), _expect(attribute, str))
    if name not in _KNOWN:
        raise _Refused(f"it asks for {module}.{attribute}")
    return name


def _reduce(function: Any, arguments: tuple[Any, ...]) -> Any:
    """What NumPy's pickles call, answered without calling it."""
    if not isinstance(function, _Name):
        raise _Refused(f"it calls a {type(function).__name__}")
    if function in _RECONSTRUCT:
        return _Array()
    if function == _DTYPE:
        if arguments[0] != "u1":
            raise _Refused(f"it holds an array of {arguments[0]!r}, not of bytes")
        return _UINT8
    if function == _ENCODE:
        text, encoding = arguments
        if encoding not in ("latin1", "latin-1"):
            raise _Refused(f"it encodes text as {encoding!r}")
        return _expect(text, str).encode("latin-1")
    if function in _FROM_BUFFER:
        raw, element, shape, order = arguments
        return _Array(_pixels(raw, element, shape, fortran=order == "F"))
    raise _Refused(f"it calls {function.module}.{function.attribute}")


def _build(target: object, state: Any) -> None:
    if isinstance(target, _Array):
        _, shape, element, fortran, raw = state
        target.pixels = _pixels(raw, element, shape, fortran=bool(fortran))
    elif target is not _UINT8:  # a dtype's state is its byte order, which single bytes do not have
        raise _Refused(f"it sets the state of a {type(target).__name__}")


def _pixels(raw: Any, element: object, shape: Any, *, fortran: bool) -> np.ndarray:
    if element is not _UINT8:
        raise _Refused("it holds an array that is not of bytes")
    # Python 2 wrote bytes as its str, which pickletools decodes as Latin-1.
    content = raw.encode("latin-1") if isinstance(raw, str) else bytes(_expect(raw, (bytes, bytearray)))
    return np.frombuffer(content, np.uint8).reshape(shape, order="F" if fortran else "C")


def _pop(stack: list[Any], count: int) -> list[Any]:
    if len(stack) < count or any(item is _MARK for item in stack[-count:]):
        raise ValueError("an operand is missing")
    items = stack[-count:]
    del stack[-count:]
    return items


def _pop_to_mark(stack: list[Any]) -> list[Any]:
    items = []
    while (item := stack.pop()) is not _MARK:
        items.append(item)
    return items[::-1]


def _pairs(items: list[Any]) -> dict[str, Any]:
    return {_text(key): value for key, value in zip(items[::2], items[1::2], strict=True)}


def _expect(value: Any, kind: type | tuple[type, ...]) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"a {type(value).__name__} is where it cannot be")
    return value


def _text(key: Any) -> str:
    return key.decode("latin-1") if isinstance(key, bytes) else _expect(key, str)
