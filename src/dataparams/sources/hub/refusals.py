"""Errors of the Hugging Face hub's libraries, explained: what happened and what to do next."""

from __future__ import annotations

import errno
import ssl
import time
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from dataparams.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dataparams.sources.hub.token import HubToken

_FULL = (errno.ENOSPC, errno.EDQUOT)
_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)
_HTTP_LIBRARIES = ("httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3", "h11")


class NotOnHubError(DataError):
    """The hub has nothing of that name, or cannot be reached."""


class Place(NamedTuple):
    """Where a data set, or the weights of a network, are looked for.

    Attributes:
        name: ``owner/name``, or ``name``.
        endpoint: Address of the hub.
        cache: Folder that the hub's libraries keep things in (HF_HOME).
        kind: What it is.
        is_of_texts: Whether a model is of texts.
    """

    name: str
    endpoint: str
    cache: str
    kind: Literal["data set", "model"] = "data set"
    is_of_texts: bool = False

    @property
    def page(self) -> str:
        """Address of its page."""
        folder = "datasets/" if self.kind == "data set" else ""
        return f"{self.endpoint}/{folder}{self.name}"

    @property
    def instead(self) -> str:
        """Advice on what to give in place of a name on the hub."""
        if self.kind == "data set":
            return "give the path of a local folder"
        if self.is_of_texts:
            return "give the folder of a model that is here (`encoder=FOLDER`)"
        return "give a file of weights that is here (`weights=FILE`)"

    @property
    def tokens(self) -> str:
        """Address of the page on which an account's tokens are made."""
        return f"{self.endpoint}/settings/tokens"


def explain_refusal(
    error: BaseException, place: Place, token: HubToken | None, kept: str = ""
) -> DataError:
    """Say what an error of the hub's libraries means and what to do next.

    Args:
        error: The error, with what caused it.
        place: Where the data set was looked for.
        token: The token that was used.
        kept: A sentence on what stays of a download that was broken off.

    Returns:
        The error to raise. It keeps no reference to the cause: requests carry the token.
    """
    chain = list(_causes(error))
    own = next((cause for cause in chain if isinstance(cause, DataError)), None)
    if own is not None:
        return own
    kind, reason = _explanation(chain, place, token, is_broken_off=bool(kept))
    text = f"The {place.kind} {place.name!r} cannot be loaded from the Hugging Face hub: {reason}"
    text = f"{text} {kept}" if kept else text
    return kind(token.redact(text) if token else text)


def _explanation(
    chain: list[BaseException], place: Place, token: HubToken | None, *, is_broken_off: bool
) -> tuple[type[DataError], str]:
    from huggingface_hub.errors import GatedRepoError

    if reason := _explain_disk(chain, place):
        return DataError, reason
    for cause in chain:
        response = getattr(cause, "response", None)
        if response is None:
            continue
        if isinstance(cause, GatedRepoError):
            return DataError, _explain_gate(response.headers, place, token)
        # With a token, 401 means that the token is not valid.
        if response.status_code == 404 or (response.status_code == 401 and token is None):
            return NotOnHubError, _explain_missing(response.status_code, place, token)
        return DataError, _explain_answer(response, place, token)
    if reason := _explain_connection(chain, place, is_broken_off=is_broken_off):
        return DataError if is_broken_off else NotOnHubError, reason
    return DataError, _explain_data(chain, place)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop(0)
        if cause is not None and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [cause.__cause__, cause.__context__]


def _explain_disk(chain: list[BaseException], place: Place) -> str | None:
    for error in chain:
        # Libraries that are not written in Python tell of it in words only.
        if getattr(error, "errno", None) in _FULL or "No space left on device" in str(error):
            return (
                f"the disk is full. Free space on it, or set HF_HOME, which is {place.cache} now, "
                "to a folder on a larger disk; then give the same command."
            )
        if isinstance(error, OSError) and error.errno in _UNWRITABLE and error.filename:
            return (
                f"{error.filename} cannot be written ({error.strerror}). Set HF_HOME, which is "
                f"{place.cache} now, to a folder that can."
            )
    return None


# --- the hub's answers ---------------------------------------------------------------------------


def _explain_missing(status: int, place: Place, token: HubToken | None) -> str:
    need = (
        ""
        if token
        else ("; a private one needs a token (`hf_token_file=FILE`, HF_TOKEN, or `hf auth login`)")
    )
    return (
        f"there is none of that name, or it is private ({status}). Check the spelling{need}. "
        f"Its page would be {place.page}."
    )


def _explain_answer(response: Any, place: Place, token: HubToken | None) -> str:
    status = response.status_code
    if status == 401 and token is not None:
        return (
            f"{token.source} is invalid or has expired (401). Make a new one on {place.tokens} and "
            "give it in the old one's place."
        )
    if status == 403:
        return (
            f"access is refused (403) with {token.source if token else 'no token'}. Look at "
            f"{place.page}, whether it was disabled, and at {place.tokens}, whether the token may "
            "read it."
        )
    if status == 429:
        return f"the hub asks for a pause (429, too many requests). {_when_again(response.headers)}"
    if status >= 500 or status == 408:
        return (
            f"the hub is down or overloaded ({status}); https://status.huggingface.co tells. Give "
            "the same command later."
        )
    return f"the hub answers with the status {status}. Look at {place.page}."


def _explain_gate(headers: Mapping[str, str], place: Place, token: HubToken | None) -> str:
    if token is None:
        return (
            f"it is gated, and there is no token. Accept its terms on {place.page}, make a token "
            f"on {place.tokens}, and give it: `hf_token_file=FILE`, or the environment variable "
            "HF_TOKEN, or `hf auth login`."
        )
    said = (headers.get("X-Error-Message") or "").lower()
    if "fine-grained" in said:
        return (
            f"it is gated, and {token.source} is a fine-grained one that may not read gated "
            f"{place.kind}s. Allow it to on {place.tokens}, or make one of the kind 'read'."
        )
    if "awaiting" in said or "pending" in said:
        return (
            "it is gated, and the request for access is not approved yet. "
            f"{place.page} shows when it is; then give the same command."
        )
    if "rejected" in said:
        return f"it is gated, and the request for access was rejected. See {place.page}."
    return (
        f"it is gated, and the account of {token.source} has no access (403): its terms are not "
        f"accepted, or the request is not approved yet. Accept them on {place.page} as that "
        "account, then give the same command."
    )


def _when_again(headers: Mapping[str, str]) -> str:
    seconds = seconds_to_wait(headers)
    if seconds is None:
        return "Give the same command in some minutes; with a token more requests are allowed."
    again = datetime.now().astimezone() + timedelta(seconds=seconds)
    return f"Give the same command in {seconds} s, after {again:%H:%M:%S}."


def seconds_to_wait(headers: Mapping[str, str]) -> int | None:
    """How long the hub asks to wait.

    Args:
        headers: Of its answer: ``Retry-After``, in seconds or as a date, or ``RateLimit``.

    Returns:
        Seconds, 0 or more; None where it does not say.

    Example:
        >>> seconds_to_wait({"Retry-After": "30"}), seconds_to_wait({"RateLimit": '"api";r=0;t=55'})
        (30, 55)
    """
    value = (headers.get("Retry-After") or "").strip()
    if value.isdigit():
        return int(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        date = None
    if date is not None:
        zoned = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
        return max(0, round(zoned.timestamp() - time.time()))
    left = (headers.get("RateLimit") or "").replace(" ", "").rpartition(";t=")[2]
    return int(left) if left.isdigit() else None


# --- without an answer ---------------------------------------------------------------------------


def _explain_connection(
    chain: list[BaseException], place: Place, *, is_broken_off: bool
) -> str | None:
    names = [type(error).__name__ for error in chain]
    words = " ".join(map(str, chain))
    if "OfflineModeIsEnabled" in names or "offline mode is enabled" in words.lower():
        return (
            "it is not in the cache, and the environment variable HF_HUB_OFFLINE (or "
            "HF_DATASETS_OFFLINE) forbids the network. Unset it for the first time."
        )
    if any(isinstance(error, ssl.SSLError) for error in chain) or "CERTIFICATE_VERIFY" in words:
        return (
            "the connection is not secure: the certificate cannot be verified. Where a company's "
            "proxy looks into connections, set SSL_CERT_FILE (and REQUESTS_CA_BUNDLE) to its "
            "certificates; or this computer's clock is wrong."
        )
    is_network = any(
        type(error).__module__.partition(".")[0] in _HTTP_LIBRARIES
        or isinstance(error, ConnectionError | TimeoutError)
        or type(error).__name__ == "gaierror"
        for error in chain
    )
    is_short = "Consistency check failed" in words
    if not is_network and not is_short:
        return None
    if is_broken_off:
        return f"the connection broke in the middle of the download ({names[0]})."
    if "gaierror" in names or "name resolution" in words or "Name or service" in words:
        what = "the hub's address is not found (DNS)"
    elif any("Timeout" in name for name in names):
        what = "the hub does not answer in time"
    elif any("Proxy" in name for name in names):
        what = "the proxy refuses the connection (HTTPS_PROXY)"
    else:
        what = "the hub is not reached"
    return f"{what} ({names[0]}). Check the network, or {place.instead}."


def _explain_data(chain: list[BaseException], place: Place) -> str:
    if any(type(error).__module__.startswith("pyarrow") for error in chain):
        return (
            f"a file that was downloaded is damaged ({_line(chain[-1])}). Remove {place.cache}"
            f"/hub/{place.kind.replace(' ', '')}s--{place.name.replace('/', '--')} and give the "
            "same command."
        )
    return (
        f"{type(chain[0]).__name__}: {_line(chain[0])}. Look at {place.page}, or {place.instead}."
    )


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
