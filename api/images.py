"""Image fields of requests: base64, data URI or http(s) address -> a checked file (api 5)."""

from __future__ import annotations

import asyncio
import binascii
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from api.errors import crash, refusal
from api.fetch import BadAnswer, FetchPolicy, ForbiddenAddress, TooSlow, Unreachable, fetch
from jobs.options import OptionStore
from pipelines.pictures import PictureError, PictureLimits, open_picture, read_header

INVALID = "Invalid encoded image"
DECODERS = 4
FETCHERS = 8
"""Threads for pictures in work and for addresses being fetched."""

_FOREIGN = re.compile(r"[^A-Za-z0-9+/]+")


class ImageReader:
    """Turns the text of an image field into the bytes of a picture file.

    Decoding and fetching have threads of their own, so that slow servers hold up nobody else.
    """

    def __init__(
        self,
        options: OptionStore,
        limits: PictureLimits,
        fetcher: Callable[[str, FetchPolicy], bytes] = fetch,
    ) -> None:
        self._options = options
        self._limits = limits
        self._fetcher = fetcher
        self._decoders = ThreadPoolExecutor(DECODERS, "api-decode")
        self._fetchers = ThreadPoolExecutor(FETCHERS, "api-fetch")

    async def read(self, text: str, field: str, *, decode: bool = True) -> bytes:
        """The file, unchanged, once it is known to be a picture within the limits.

        `decode=False` only looks at the header. Raises WireError as api 4 has it; `field` names the
        culprit in the explanation.
        """
        loop = asyncio.get_running_loop()
        text = text.strip()
        is_url = text[:8].lower().startswith(("http://", "https://"))
        if is_url:
            data = await loop.run_in_executor(self._fetchers, self._fetched, text)
        else:
            data = await loop.run_in_executor(self._decoders, decode_base64, text)
        problem = await loop.run_in_executor(self._decoders, self._problem, data, decode)
        if problem:
            raise refusal(500, "Invalid image url" if is_url else INVALID, f"{field}: {problem}")
        return data

    def _problem(self, data: bytes, decode: bool) -> str:
        """Why these bytes are no usable picture, or an empty text."""
        try:
            if decode:
                open_picture(data, self._limits)
            else:
                read_header(data, self._limits)
        except PictureError as error:
            return str(error)
        return ""

    def _fetched(self, url: str) -> bytes:
        if not self._options.get("api_enable_requests"):
            raise refusal(500, "Requests not allowed")
        policy = FetchPolicy(
            only_public=self._options.get("api_forbid_local_requests"),
            user_agent=self._options.get("api_useragent"),
            max_bytes=min(FetchPolicy.max_bytes, self._limits.max_bytes),
        )
        try:
            return self._fetcher(url, policy)
        except ForbiddenAddress as error:
            raise refusal(500, "Request to local resource not allowed") from error
        except BadAnswer as error:
            raise refusal(500, "Invalid image url", str(error)) from error
        except TooSlow as error:
            raise crash("ReadTimeout", str(error)) from error
        except Unreachable as error:
            raise crash("ConnectionError", str(error)) from error


def decode_base64(text: str) -> bytes:
    """Bytes of base64 text or of a data URI, read kindly.

    Whatever stands before the first comma of a `data:` URI is not trusted and not read; characters
    outside the alphabet are skipped and missing padding is added (api 5). Raises WireError.
    """
    if text[:5].lower() == "data:":
        text = text.partition(",")[2]
    letters = _FOREIGN.sub("", text)
    try:
        return binascii.a2b_base64(letters + "=" * (-len(letters) % 4))
    except binascii.Error as error:
        raise refusal(500, INVALID, "the text is no base64") from error
