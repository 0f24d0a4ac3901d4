"""Files that are written whole or not at all, and read without trusting what is in them."""

from __future__ import annotations

import io
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import torch

from dataparams.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl


def write_whole(file: Path, contents: bytes) -> None:
    """Write a file so that a crash, or a full disk, leaves the one before.

    Args:
        file: Where to; its folder is made.
        contents: All of it.

    Raises:
        RunError: If it cannot be written.
    """
    temporary = file.with_name(f".{file.name}.{uuid4().hex}.tmp")
    with explained_refusals(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as stream:
                stream.write(contents)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def read_tensors(file: Path, *, mapped: bool = False) -> dict[str, Any]:
    """Read tensors and plain values from a file, which may be damaged or hostile.

    Args:
        file: The file.
        mapped: Leave the tensors on the disk until they are looked at.

    Raises:
        RunError: If it is not such a file, or is damaged, or wants to run code.
    """
    try:
        contents = torch.load(file, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # a hostile file may raise anything
        raise RunError(
            f"{file} cannot be read: it is damaged or not a file of this program "
            f"({type(error).__name__}). Nothing was changed."
        ) from error
    if not isinstance(contents, dict):
        raise RunError(f"{file} holds a {type(contents).__name__}; expected named tensors.")
    return contents


def parquet_bytes(table: pl.DataFrame, made: dict[str, Any] | None = None) -> bytes:
    """The bytes of a Parquet file of a table, with how it was made as metadata."""
    buffer = io.BytesIO()
    table.write_parquet(buffer, metadata=made and {"dataparams": json.dumps(made)})
    return buffer.getvalue()


def tensor_bytes(contents: dict[str, Any]) -> bytes:
    """The bytes of a file of tensors and plain values."""
    buffer = io.BytesIO()
    torch.save(contents, buffer)
    return buffer.getvalue()


@contextmanager
def explained_refusals(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into a RunError that says what is safe."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{path} cannot be written: {error.strerror or error}. What was written before is "
            "whole. Make room, or see to the folder's rights, then do the same again (train with "
            "`resume=True`)."
        ) from error
