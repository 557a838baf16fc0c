"""What a model can do with the reminders of whoever it answers."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from services.reminders.reminder import LONGEST
from services.reminders.service import Reminders, Request
from services.reminders.wording import confirmation, listing, shortened
from services.toolbox.spec import Effect, ToolContext, ToolSpec, asked_by

_MOST_LISTED = 12


class CreateReminder(BaseModel):
    """What to remind the person of."""

    text: str = Field(
        min_length=1, max_length=LONGEST, description="What to remind them of, without the time."
    )
    when: str = Field(
        min_length=1,
        max_length=200,
        description='The time in the person\'s own words, such as "tomorrow at 9am", '
        '"in 20 minutes" or "every weekday at 8". Never make one up: ask.',
    )


class ListReminders(BaseModel):
    """Nothing needs to be said."""


class CancelReminder(BaseModel):
    """Which reminder to cancel."""

    number: int = Field(ge=1, le=1_000_000, description="The reminder's number, from the list.")


def reminder_tools(service: Reminders) -> Sequence[ToolSpec]:
    """Return the tools; each acts for whoever is answered, on their own reminders alone."""

    async def create(arguments: CreateReminder, context: ToolContext) -> str:
        request = Request(
            text=arguments.text,
            when=arguments.when,
            conversation=context.conversation,
            persona=context.persona,
        )
        made = await service.create(request, by=asked_by(context))
        return f"Reminder made. {confirmation(made)}"

    async def listed(_arguments: ListReminders, context: ToolContext) -> str:
        asker = asked_by(context)
        everything = await service.listed(by=asker)
        here = await service.listed(by=asker, only=context.conversation)
        lines = listing(here[:_MOST_LISTED]) or ["They have no reminders that were made here."]
        more = len(everything) - len(here[:_MOST_LISTED])
        if more:
            lines.append(f"There are {more} more; their own list of reminders shows them.")
        return "\n".join(lines)

    async def cancel(arguments: CancelReminder, context: ToolContext) -> str:
        gone = await service.cancel(
            arguments.number, by=asked_by(context), only=context.conversation
        )
        return f"Cancelled #{gone.number}: {shortened(gone.text)}"

    return (
        ToolSpec(
            name="create_reminder",
            description="Remind the person of something at a time they name. "
            "If they named no time, ask for it instead of calling this.",
            parameters=CreateReminder,
            handler=create,
            area="reminders",
            keywords=(
                "remind",
                "reminder",
                "remember to",
                "alarm",
                "wake me",
                "tell me at",
                "later",
                "don't let me forget",
                "erinnere",
                "erinnerung",
                "wecker",
                "vergiss nicht",
            ),
            effect=Effect.OWN,
        ),
        ToolSpec(
            name="list_reminders",
            description="List the reminders that the person has made here.",
            parameters=ListReminders,
            handler=listed,
            area="reminders",
            keywords=(
                "reminders",
                "my reminders",
                "what is due",
                "upcoming",
                "agenda",
                "erinnerungen",
                "meine erinnerungen",
                "anstehend",
            ),
        ),
        ToolSpec(
            name="cancel_reminder",
            description="Cancel one of the person's reminders by its number from the list.",
            parameters=CancelReminder,
            handler=cancel,
            area="reminders",
            keywords=(
                "cancel",
                "delete reminder",
                "remove reminder",
                "forget the reminder",
                "reminder",
                "erinnerung löschen",
                "absagen",
                "streichen",
            ),
            effect=Effect.OWN,
        ),
    )
