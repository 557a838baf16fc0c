"""Attachments of which a crash left only the file, or only the row."""

from __future__ import annotations

from datetime import timedelta

from services.housekeeping.chore import ChoreReport, Round
from services.storage.blobs import BlobStore

_AGE = timedelta(days=1)


class StrayAttachments:
    """Files that no row names, and rows whose file is gone, a day later."""

    name = "attachments"

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    async def run(self, circumstances: Round, /) -> ChoreReport:
        """Remove them."""
        before = circumstances.as_of - _AGE
        dry = circumstances.rehearsal
        files, size = await self._blobs.drop_unnamed(before=before, rehearsal=dry)
        rows = await self._blobs.drop_bodiless(before=before, rehearsal=dry)
        return ChoreReport(removed=files + rows, bytes=size)
