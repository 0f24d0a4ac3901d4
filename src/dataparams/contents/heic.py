"""HEIC images, decoded by the optional package pillow-heif."""

from __future__ import annotations

import importlib
import importlib.util
from functools import lru_cache

from dataparams.contents.content import UnreadableContentError

HEIC_EXTENSIONS = frozenset({".heic", ".heif", ".hif"})
HEIC_FORMAT = "HEIF"
_BRANDS = frozenset(
    {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"}
)
# Files of this format may declare one of the above, too; Pillow reads them itself.
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_BRAND_BYTES = 4
_FIRST_COMPATIBLE = 16
_LONGEST_HEADER = 256


def can_read_heic() -> bool:
    """Whether HEIC images can be decoded: the package ``pillow-heif`` is optional."""
    return importlib.util.find_spec("pillow_heif") is not None


def is_heic(data: bytes) -> bool:
    """Whether these are the bytes of a HEIC image, by the brands that it declares.

    Args:
        data: The file, or its first 256 bytes.

    Example:
        >>> is_heic(bytes([0, 0, 0, 20]) + b"ftypheic" + bytes(4) + b"mif1")
        True
        >>> is_heic(bytes([0, 0, 0, 24]) + b"ftypmif1" + bytes(4) + b"mif1avif")
        False
    """
    if data[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(data[:4], "big"), _LONGEST_HEADER)
    compatible = range(_FIRST_COMPATIBLE, end, _BRAND_BYTES)
    brands = {data[8:12], *(data[start : start + _BRAND_BYTES] for start in compatible)}
    return bool(brands & _BRANDS) and not brands & _AVIF_BRANDS


@lru_cache(maxsize=1)
def heic_formats() -> list[str]:
    """Let Pillow open HEIC images.

    Returns:
        Pillow's name of the format, for ``formats`` of ``Image.open``.

    Raises:
        UnreadableContentError: If the package is not installed.
    """
    if not can_read_heic():
        raise UnreadableContentError("HEIC images need the package pillow-heif")
    importlib.import_module("pillow_heif").register_heif_opener()
    return [HEIC_FORMAT]
