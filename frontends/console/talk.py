"""One person's talk in one conversation, whatever shows it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.actions import COMMANDS
from frontends.console.delivery import ConsoleDelivery
from frontends.console.files import ConsoleFiles
from frontends.console.slash import Said, read_line
from frontends.console.views import View, spoken
from services.code_runner.service import CodeRunner
from services.conversation.bookmarks import Lorebooks
from services.conversation.inbound import Addressing, Inbound, Receipt
from services.conversation.places import PlaceSettings
from services.conversation.reminding import Reminding
from services.conversation.screenshots import GameHelp
from services.conversation.tool_permissions import ToolPermissions
from services.domain.errors import AcoreError, ProviderError, StorageError
from services.domain.ids import ActionId, ConversationId, MessageId
from services.domain.messages import BlobPart, HistoryEntry, Message, TextPart
from services.domain.people import Author, Role
from services.domain.replies import ReplySink, TurnBrief, TurnFailed
from services.games.dilemmas import Dilemmas
from services.games.stories import Stories
from services.games.trivia import Trivia
from services.images.service import ImageService
from services.lists.lists import Lists
from services.lists.polls import Polls
from services.lookups.currency import CurrencyService
from services.lookups.weather import WeatherService
from services.mcp.service import McpServers
from services.memory.rights.service import MemoryRights
from services.notes.service import Notes
from services.people.answer_style import AnswerStyles
from services.people.linking import AccountLinks
from services.people.personas import UserPersonaBook
from services.people.privacy import Privacy
from services.people.timezones import Timezones
from services.profiles.proposals import Proposals
from services.profiles.relationships import Relationships
from services.projects.service import ProjectServices
from services.reminders.service import Reminders
from services.search.service import SearchService

if TYPE_CHECKING:
    from services.factory import ServiceFactory

MODEL_MISSING = "provider_model_missing"

_UNREACHABLE = 2
_DEFECT = 3


class Talk:
    """Takes lines one by one and shows what comes of each before the next.

    ``failure`` is the exit code of the worst answer that failed, 0 if none did; ``refused`` says
    that something asked for was not done, ``failed_code`` why the last line got no answer, and
    ``ended`` that the person wants to leave.
    """

    def __init__(
        self,
        services: ServiceFactory,
        *,
        view: View,
        author: Author,
        conversation: ConversationId,
    ) -> None:
        self.conversations = services.conversations()
        self.library = services.library()
        self.models = services.models()
        self.view = view
        self.author = author
        self.role = Role.OWNER  # whoever has the process has everything
        self.conversation = conversation
        self.pending: ActionId | None = None
        self.failure = 0
        self.failed_code: str | None = None
        self.refused = False
        self.ended = False
        self._services = services
        self._ids = services.ids()
        self._clock = services.clock()
        self._delivery: ConsoleDelivery | None = None

    @property
    def user_personas(self) -> UserPersonaBook:
        """Who the person is to the characters."""
        return self._services.user_persona_book()

    @property
    def memory_rights(self) -> MemoryRights:
        """What the person may do with what is remembered of them."""
        return self._services.memory_rights()

    @property
    def privacy(self) -> Privacy:
        """What the person chose about being remembered."""
        return self._services.privacy()

    @property
    def reminding(self) -> Reminding:
        """What a question would bring back."""
        return self._services.reminding()

    @property
    def account_links(self) -> AccountLinks:
        """Makes accounts one person."""
        return self._services.account_links()

    @property
    def lorebooks(self) -> Lorebooks:
        """Which lorebooks hold here."""
        return self._services.lorebooks()

    @property
    def places(self) -> PlaceSettings:
        """What holds in a place."""
        return self._services.places()

    @property
    def answer_styles(self) -> AnswerStyles:
        """How people would like to be answered."""
        return self._services.answer_styles()

    @property
    def projects(self) -> ProjectServices:
        """Projects, tasks, ideas and weeks."""
        return self._services.project_services()

    @property
    def timezones(self) -> Timezones:
        """Where people's clocks are."""
        return self._services.timezones()

    @property
    def search(self) -> SearchService:
        """Looks things up on the web."""
        return self._services.search()

    @property
    def weather(self) -> WeatherService:
        """Knows the weather."""
        return self._services.weather()

    @property
    def currency(self) -> CurrencyService:
        """Converts money."""
        return self._services.currency()

    @property
    def code(self) -> CodeRunner:
        """Runs code."""
        return self._services.code_runner()

    @property
    def reminders(self) -> Reminders:
        """What people want to be told, and when."""
        return self._services.reminders()

    @property
    def notes(self) -> Notes:
        """What people wrote down."""
        return self._services.notes()

    @property
    def lists(self) -> Lists:
        """What is ticked off."""
        return self._services.lists()

    @property
    def polls(self) -> Polls:
        """Questions to everybody."""
        return self._services.polls()

    @property
    def trivia(self) -> Trivia:
        """Questions to everybody at once."""
        return self._services.trivia()

    @property
    def dilemmas(self) -> Dilemmas:
        """What one would rather."""
        return self._services.dilemmas()

    @property
    def stories(self) -> Stories:
        """Stories in turns."""
        return self._services.stories()

    @property
    def proposals(self) -> Proposals:
        """What others would have remembered of the person."""
        return self._services.proposals()

    @property
    def relationships(self) -> Relationships:
        """How characters feel."""
        return self._services.relationships()

    @property
    def tool_permissions(self) -> ToolPermissions:
        """Which tools may be used where."""
        return self._services.tool_permissions()

    @property
    def files(self) -> ConsoleFiles:
        """Files of this machine, coming and going."""
        services = self._services
        return ConsoleFiles(services.blobs(), services.settings().storage)

    @property
    def images(self) -> ImageService:
        """Makes pictures."""
        return self._services.images()

    @property
    def game_help(self) -> GameHelp:
        """Makes questions of screenshots."""
        return self._services.game_help()

    @property
    def rng(self) -> random.Random:
        """Where chance comes from."""
        return self._services.rng()

    @property
    def mcp_servers(self) -> McpServers:
        """The servers whose tools are used."""
        return self._services.mcp_servers()

    async def hear(self, line: str) -> None:
        """Do what a line asks for and wait until it is done; refusals are shown, not raised.

        Raises ``OSError`` when nobody can see the answers any more.
        """
        await self.attempt(self._obey(line))

    async def attempt(self, work: Awaitable[None]) -> bool:
        """Wait for ``work`` and tell whether it could be done; if not, the reason is shown."""
        self.failed_code = None
        try:
            await work
        except AcoreError as error:
            self._note_refusal(error)
            return False
        return True

    async def _obey(self, line: str) -> None:
        match read_line(line, COMMANDS):
            case Said(text=text):
                await self.say(text)
            case asked:
                await asked.command.perform(self, asked.argument)

    async def say(self, text: str, attached: Sequence[BlobPart] = ()) -> None:
        """Send a message and wait for the answer."""
        message = Message(
            id=MessageId(self._ids.new()),
            conversation=self.conversation,
            author=self.author,
            parts=(TextPart(text=text), *attached),
            created_at=self._clock.now(),
        )
        inbound = Inbound(
            message=message,
            delivery=self.delivery(),
            addressing=Addressing(private=True),
            role=self.role,
            witnesses=frozenset({self.author.id}),
        )
        await self.conclude(await self.conversations.receive(inbound))

    async def choose_persona(self, name: str) -> None:
        """Have another character answer from now on, and show its greeting if it opens the talk."""
        await self.select_persona(name)
        await self.greet()

    async def select_persona(self, name: str) -> None:
        """Have another character answer from now on; raises ``NotFound`` for an unknown one."""
        await self.conversations.choose_persona(
            self.conversation, name, by=self.author, role=self.role
        )

    async def greet(self) -> None:
        """Have the character open the talk, if nothing has been said yet."""
        persona = await self.conversations.persona_of(self.conversation)
        greeting = await self.conversations.greet(self.conversation, persona, author=self.author)
        if greeting is not None:
            [shown] = await self.shown([greeting])
            self.view.report(spoken("greeting", greeting, shown))

    async def shown(self, entries: Sequence[HistoryEntry]) -> list[str]:
        """Return the texts of recorded messages as the person is to see them."""
        return await self.conversations.shown(entries, viewer=self.author)

    def delivery(self) -> ConsoleDelivery:
        """Return a new place for answers, which is the one in use from now on."""
        dress = self._dress if self.view.for_people else None
        self._delivery = ConsoleDelivery(self.view, dress=dress, save=self._save)
        return self._delivery

    async def _save(self, part: BlobPart) -> Path:
        return await self.files.save(part)

    def _dress(self, turn: TurnBrief, sink: ReplySink) -> ReplySink:
        return self.conversations.dressed(turn, sink, viewer=self.author)

    async def conclude(self, receipt: Receipt) -> None:
        """Wait until what was asked for is done, and remember how it went."""
        delivery = self._delivery
        outcome = await receipt.outcome()
        if delivery is not None:
            if delivery.lost is not None:
                raise delivery.lost
            self.pending = delivery.asked or self.pending
        if outcome.withheld is not None:
            self.view.withheld(outcome.withheld)
        for terminal in outcome.terminals:
            if isinstance(terminal, TurnFailed):
                provider = terminal.code.startswith("provider_")
                self._note_failure(terminal.code, _UNREACHABLE if provider else _DEFECT)

    def abandon(self) -> None:
        """Show nothing more of the answer that is being waited for."""
        if self._delivery is not None:
            self._delivery.close()

    def _note_refusal(self, error: AcoreError) -> None:
        self.view.refused(error)
        if isinstance(error, ProviderError | StorageError):
            self._note_failure(error.code, _UNREACHABLE)
        else:
            self.refused = True

    def _note_failure(self, code: str, exit_code: int) -> None:
        self.failed_code = code
        self.failure = max(self.failure, exit_code)
