"""The token for gated data sets of the hub: finding it, and keeping it out of all output."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from dataparams.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

FROM_FILE = "the token of `hf_token_file`"
FROM_ENVIRONMENT = "the token of the environment variable HF_TOKEN"
FROM_LOGIN = "the token of the login (`hf auth login`)"
_LONGEST = 4096
_PLAIN = re.compile(r"[\x21-\x7e]{8,}")
_OF_THE_HUB = re.compile(r"(hf_|api_|eyJ)[\w.-]+", re.ASCII)
_logger = logging.getLogger(__name__)
_given: list[HubToken] = []


class HubToken:
    """A token that is neither printed nor pickled.

    Args:
        value: The token itself.
        source: Where it comes from, in words.

    Example:
        >>> token = HubToken("hf_abcdefgh", FROM_ENVIRONMENT)
        >>> token, token.redact("Bearer hf_abcdefgh")
        (HubToken(the token of the environment variable HF_TOKEN), 'Bearer <token>')
    """

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str) -> None:
        self._value = value
        self.source = source

    def __repr__(self) -> str:
        return f"HubToken({self.source})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token of the hub is not pickled.")

    def reveal(self) -> str:
        """The token itself, for the hub's library alone."""
        return self._value

    def redact(self, text: str) -> str:
        """A text without the token."""
        return text.replace(self._value, "<token>")


@contextlib.contextmanager
def token_file(path: str | Path | None) -> Iterator[None]:
    """Have data sets of the hub opened with the token of a file, in this process and meanwhile.

    Args:
        path: A text file that holds the token and nothing else; None changes nothing.

    Raises:
        UserError: If the file cannot be read or does not hold a token.
    """
    if path is None:
        yield
        return
    _given.append(read_token_file(Path(path)))
    try:
        yield
    finally:
        _given.pop()


def find_token() -> HubToken | None:
    """Find the token: of ``token_file``, of HF_TOKEN, of the hub library's login; or None.

    Raises:
        UserError: If what is found cannot be a token.
    """
    if _given:
        return _given[-1]
    value = os.environ.get("HF_TOKEN", "").strip()
    if value:
        return HubToken(_require_token(value, FROM_ENVIRONMENT), FROM_ENVIRONMENT)
    from huggingface_hub import get_token

    value = (get_token() or "").strip()
    return HubToken(_require_token(value, FROM_LOGIN), FROM_LOGIN) if value else None


def read_token_file(path: Path) -> HubToken:
    """Read a token from a file, with a warning if other users can read it.

    Args:
        path: A text file that holds the token and nothing else.

    Returns:
        The token.

    Raises:
        UserError: If the file cannot be read or does not hold a token.
    """
    given = f"`hf_token_file` is {path}"
    try:
        with path.expanduser().open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_LONGEST + 1)
    except OSError as error:
        raise UserError(
            f"{given}, which cannot be read ({error.strerror}); expected a text file that holds a "
            "token of the Hugging Face hub and nothing else."
        ) from None
    if not data.strip():
        raise UserError(f"{given}, which is empty; expected a token of the Hugging Face hub.")
    if os.name == "posix" and stat.S_ISREG(mode) and mode & stat.S_IROTH:
        _logger.warning("%s, which all users can read. Run: chmod 600 %s", given, path)
    value = _require_token(data.decode("latin-1").strip(), f"the content of {path}")
    return HubToken(value, FROM_FILE)


def _require_token(value: str, source: str) -> str:
    """Refuse a value that is no token, without showing it: it may be another secret."""
    is_token = _PLAIN.fullmatch(value) is not None and len(value) <= _LONGEST
    # Another hub may have tokens of another form.
    if is_token and not os.environ.get("HF_ENDPOINT"):
        is_token = _OF_THE_HUB.fullmatch(value) is not None
    if not is_token:
        what = source[0].upper() + source[1:]
        raise UserError(
            f"{what} is not a token of the Hugging Face hub; expected one word that begins with "
            "hf_, as https://huggingface.co/settings/tokens shows it once."
        )
    return value
