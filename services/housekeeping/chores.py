"""Every chore there is, in the order in which they are done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.conversation.actions import PendingActions
from services.domain.clock import Clock
from services.housekeeping.attachments import StrayAttachments
from services.housekeeping.chore import Chore
from services.housekeeping.clips import Clips
from services.housekeeping.departures import Departures, LeftPlaces
from services.housekeeping.expiry import ExpiredBackups
from services.housekeeping.logs import RotatedLogs
from services.housekeeping.nightly import NightlyBackup
from services.housekeeping.records import ExpiredActions, OldExplanations
from services.housekeeping.retention import OldMessages
from services.housekeeping.snapshots import PromptSnapshots
from services.housekeeping.temporary import TemporaryFiles
from services.housekeeping.upkeep import DatabaseUpkeep
from services.memory.forgetting.retention import Retention
from services.memory.recollections import Vectorizer
from services.net.wheels import installed_models
from services.people.scopes import ScopedSettings
from services.settings import Settings
from services.storage.blobs import BlobStore
from services.storage.database import Database


def every_chore(
    settings: Settings,
    *,
    database: Database,
    blobs: BlobStore,
    clock: Clock,
    index: Vectorizer | None = None,
    departures: Departures | None = None,
) -> Sequence[Chore]:
    """Return every chore; the backup comes first, so that it holds what the others remove.

    ``index`` is told which vectors went with old messages. Without ``departures``, no place that
    was left is forgotten.
    """
    tidy, data = settings.housekeeping, settings.storage.data
    return (
        NightlyBackup(tidy, storage=settings.storage, clock=clock),
        ExpiredBackups(tidy, storage=settings.storage, database=database),
        TemporaryFiles(data, hours=tidy.temporary_hours),
        Clips(data, days=tidy.clip_days),
        RotatedLogs(settings.logging.file or data / "logs" / "acore.log", days=tidy.log_days),
        PromptSnapshots(_snapshot_folders(settings)),
        OldMessages(
            Retention(database=database, blobs=blobs, index=index),
            ScopedSettings(database, clock=clock),
            days=settings.memory.retention_days,
        ),
        *(() if departures is None else (LeftPlaces(departures),)),
        StrayAttachments(blobs),
        ExpiredActions(database, PendingActions()),
        OldExplanations(database, kept=settings.conversation.history_messages),
        DatabaseUpkeep(database),
    )


def _snapshot_folders(settings: Settings) -> Sequence[Path]:
    data = settings.storage.data
    return (data / "models" / "prefixes", installed_models() / "prefixes")
