"""Making pictures that people, or characters for them, ask for."""

from __future__ import annotations

import asyncio
import random
import re
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from services.domain.clock import Clock
from services.domain.errors import Busy, InvalidRequest, ProviderError, ProviderFault, TooMany
from services.domain.ids import AuthorId, ConversationId
from services.domain.messages import BlobPart
from services.images.maker import ImageMaker, PictureRequest
from services.images.screening import KEPT_OUT, ScreenPrompt, screened
from services.images.sound import sound_picture
from services.settings import ImagesSettings

LONGEST_PROMPT = 1000
"""Characters a prompt may have."""

_LARGEST_SIDE = 4096
_LARGEST_START = 1024
_WAITING = 4
_HOUR = 3600.0
_PEOPLE = 1000
_WORD = re.compile(r"[a-z0-9]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


class Stored(Protocol):
    """Bytes that were kept."""

    @property
    def sha256(self) -> str:
        """Their name."""
        ...

    @property
    def size(self) -> int:
        """How many there are."""
        ...


PutBlob = Callable[[bytes, str], Awaitable[Stored]]
"""Keeps bytes of a media type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePicture:
    """A picture that was made; ``name`` is a plain file name."""

    content: bytes
    media_type: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureWish:
    """What somebody wants to see, and where; ``start`` is a picture to go on from."""

    prompt: str
    by: AuthorId
    place: ConversationId
    start: bytes | None = None


class ImageService:
    """Has pictures made, one at a time, and checks them.

    ``build`` gives the maker at its first use, ``None`` where none is chosen.
    """

    def __init__(
        self,
        settings: ImagesSettings,
        *,
        build: Callable[[ImagesSettings], ImageMaker | None],
        screen: ScreenPrompt,
        put: PutBlob,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._settings = settings
        self._build = build
        self._screen = screen
        self._put = put
        self._clock = clock
        self._rng = rng
        self._maker: ImageMaker | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._made: OrderedDict[AuthorId, deque[float]] = OrderedDict()

    @property
    def available(self) -> bool:
        """Whether there is an engine."""
        return self._settings.engine != "none"

    async def make_part(self, wish: PictureWish) -> BlobPart:
        """Do ``make`` and keep the picture as a part of an answer."""
        made = await self.make(wish)
        stored = await self._put(made.content, made.media_type)
        return BlobPart(
            kind="image",
            sha256=stored.sha256,
            media_type=made.media_type,
            name=made.name,
            size=stored.size,
        )

    async def make(self, wish: PictureWish) -> MadePicture:
        """Return a picture of ``wish``.

        Raises ``InvalidRequest`` where none can be made of that, ``NotAllowed`` for words that are
        not wanted in the place, ``TooMany`` beyond the person's share of an hour, ``Busy`` when
        too many wait, ``ProviderError``, ``ConfigurationError``.
        """
        maker = self._opened()
        prompt = _CONTROLS.sub(" ", wish.prompt).strip()
        if not prompt or len(prompt) > LONGEST_PROMPT:
            raise InvalidRequest(
                "picture_prompt", f"Say in up to {LONGEST_PROMPT} characters what to show."
            )
        standing = await screened(prompt, wish.place, self._screen)
        start = None
        if wish.start is not None:
            start = (await sound_picture(wish.start, longest_side=_LARGEST_START)).content
        if self._waiting >= _WAITING:
            raise Busy("pictures_busy", "Several pictures are being made; try again in a minute.")
        given = self._note(wish.by)
        self._waiting += 1
        try:
            async with self._turn:
                content = await self._bounded(
                    maker, self._request(prompt, start, adults=standing == "adults")
                )
        except BaseException:
            self._give_back(wish.by, given)
            raise
        finally:
            self._waiting -= 1
        return await _checked(content, prompt)

    def _opened(self) -> ImageMaker:
        if self._maker is None:
            self._maker = self._build(self._settings)
        if self._maker is None:
            raise InvalidRequest(
                "pictures_off",
                "No pictures are made here; whoever runs acore has to set images.engine.",
            )
        return self._maker

    def _request(self, prompt: str, start: bytes | None, *, adults: bool) -> PictureRequest:
        width, height = map(int, self._settings.size.split("x"))
        negative = [self._settings.negative_prompt, "" if adults else KEPT_OUT]
        return PictureRequest(
            prompt=prompt,
            negative=", ".join(filter(None, negative)),
            width=min(width, _LARGEST_SIDE),
            height=min(height, _LARGEST_SIDE),
            steps=self._settings.steps,
            seed=self._rng.randrange(2**32),
            start=start,
        )

    async def _bounded(self, maker: ImageMaker, request: PictureRequest) -> bytes:
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                return await maker.make(request)
        except TimeoutError as error:
            raise ProviderError(
                "images",
                ProviderFault.TIMEOUT,
                "The picture was not ready in time; try again later.",
            ) from error

    def _note(self, who: AuthorId) -> float:
        now = self._clock.monotonic()
        times = self._made.setdefault(who, deque())
        self._made.move_to_end(who)
        while len(self._made) > _PEOPLE:
            self._made.popitem(last=False)
        while times and now - times[0] > _HOUR:
            times.popleft()
        if len(times) >= self._settings.per_person:
            wait = _HOUR - (now - times[0])
            raise TooMany(
                "pictures_many",
                f"That were many pictures; the next one can be made in {wait / 60:.0f} minutes.",
                retry_after=wait,
            )
        times.append(now)
        return now

    def _give_back(self, who: AuthorId, at: float) -> None:
        times = self._made.get(who)
        if times is not None and at in times:
            times.remove(at)


async def _checked(content: bytes, prompt: str) -> MadePicture:
    try:
        picture = await sound_picture(content, longest_side=_LARGEST_SIDE)
    except InvalidRequest as error:
        raise ProviderError(
            "images",
            ProviderFault.MALFORMED,
            "The server that makes pictures gave something that is no picture; try again.",
            detail=error.code,
        ) from error
    return MadePicture(
        content=picture.content,
        media_type=picture.media_type,
        name=f"{_title(prompt)}.{picture.ending}",
    )


def _title(prompt: str) -> str:
    """Return a plain file name of the first words."""
    words = _WORD.findall(prompt.lower())[:5]
    return "-".join(words)[:40].strip("-") or "picture"
