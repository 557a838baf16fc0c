"""The card's own picture as a file of an archive, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.persona.cards.assets import find
from services.persona.cards.document import CardDocument
from services.persona.cards.leniency import as_mapping

_WAS = "acore_was"
_ADDED = "nothing"
_MOVED = ("uri", "ext")


def moved_icon(asset: Mapping[str, object], here: Mapping[str, object]) -> dict[str, object]:
    """Return ``asset`` with the ``uri`` and ``ext`` in ``here``, remembering those it had."""
    was = {name: asset[name] for name in _MOVED if name in asset}
    return {**asset, **here, _WAS: was}


def with_added_icon(
    document: CardDocument, others: Sequence[object], icon: Mapping[str, object]
) -> CardDocument:
    """Return the card with ``icon`` before its ``others``, remembering that it had none."""
    was = document.data.get("assets", _ADDED)
    return document.with_data(assets=[{**icon, _WAS: () if others else was}, *others])


def without_own_icon(
    document: CardDocument, files: Mapping[str, bytes]
) -> tuple[CardDocument, dict[str, bytes]]:
    """Return the card as it was before its picture became a file, and the other files."""
    listed = document.data.get("assets")
    kept = dict(files)
    if not isinstance(listed, tuple) or not any(_WAS in as_mapping(asset) for asset in listed):
        return document, kept
    assets: list[object] = []
    was: object = ()
    for asset in map(as_mapping, listed):
        if _WAS not in asset:
            assets.append(asset)
            continue
        kept.pop(find(str(asset.get("uri", "")), files) or "", None)
        if isinstance(asset[_WAS], Mapping):
            assets.append(_before(asset, as_mapping(asset[_WAS])))
        else:
            was = asset[_WAS]
    if assets or was == ():
        return document.with_data(assets=assets), kept
    if was is None:
        return document.with_data(assets=None), kept
    return document.without("assets"), kept


def _before(asset: Mapping[str, object], was: Mapping[str, object]) -> dict[str, object]:
    kept = {name: value for name, value in asset.items() if name in was or name not in _MOVED}
    return {name: was.get(name, value) for name, value in kept.items() if name != _WAS}
