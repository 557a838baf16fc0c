"""Asking a server which models it has; with a hosted one that also tries the key."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from services.doctor.endpoints import on_this_machine

OPENAI_ADDRESS = "https://api.openai.com/v1"

_OLLAMA_TIMEOUT = aiohttp.ClientTimeout(total=3.0)
_TIMEOUT = aiohttp.ClientTimeout(total=10.0)


class ListingRefused(Exception):  # noqa: N818
    """The endpoint gave no list; ``status`` is what it answered, ``None`` when it did not."""

    def __init__(self, status: int | None) -> None:
        super().__init__(f"status {status}")
        self.status = status


def endpoint_address(name: str, base_url: str | None) -> str | None:
    """Return where the endpoint called ``name`` is asked."""
    address = base_url or (OPENAI_ADDRESS if name == "openai" else None)
    return address.rstrip("/") if address else None


async def listed_models(address: str, key: str, *, validated: bool = False) -> list[str]:
    """Return the names of the models at ``address``; waits 10 s at most for each answer.

    ``validated`` asks ``/key`` first, for OpenRouter, which lists models to anybody. Raises
    ``ListingRefused``.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with aiohttp.ClientSession(
            timeout=_TIMEOUT, headers=headers, trust_env=not on_this_machine(address)
        ) as session:
            if validated:
                async with session.get(f"{address}/key") as response:
                    if response.status in (401, 403):
                        raise ListingRefused(response.status)
            async with session.get(f"{address}/models") as response:
                if response.status != 200:
                    raise ListingRefused(response.status)
                return _names(await response.json(content_type=None))
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise ListingRefused(None) from error
    except ValueError as error:
        raise ListingRefused(200) from error


async def ollama_models(address: str) -> dict[str, int]:
    """Return the models of the Ollama server at ``address`` and their sizes in bytes; 3 s at most.

    Raises ``ListingRefused``.
    """
    try:
        async with (
            aiohttp.ClientSession(
                timeout=_OLLAMA_TIMEOUT, trust_env=not on_this_machine(address)
            ) as session,
            session.get(f"{address.rstrip('/')}/api/tags") as response,
        ):
            if response.status != 200:
                raise ListingRefused(response.status)
            answer = await response.json(content_type=None)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise ListingRefused(None) from error
    except ValueError as error:
        raise ListingRefused(200) from error
    listed = answer.get("models") if isinstance(answer, Mapping) else None
    if not isinstance(listed, list):
        raise ListingRefused(200)
    return {
        str(each["name"]): int(each.get("size") or 0)
        for each in listed
        if isinstance(each, Mapping) and "name" in each
    }


def _names(answer: object) -> list[str]:
    data = answer.get("data") if isinstance(answer, Mapping) else answer
    if not isinstance(data, list):
        raise ListingRefused(200)
    return [str(each["id"]) for each in data if isinstance(each, Mapping) and "id" in each]
