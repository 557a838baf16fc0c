"""Every service and how they fit together, from the ground up."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from services.code_runner.service import CodeRunner
from services.code_runner.tools import code_tools
from services.conversation.actions import PendingActions
from services.conversation.amnesia import Amnesia
from services.conversation.answers import AnswerSource
from services.conversation.attached import AttachedFiles
from services.conversation.bookmarks import Lorebooks
from services.conversation.branches import Branches
from services.conversation.choices import Choices
from services.conversation.company import Company
from services.conversation.context import ContextAssembler
from services.conversation.directory import DeliveryDirectory
from services.conversation.document_reading import DocumentReading
from services.conversation.document_tools import Known, document_tools
from services.conversation.gate import Gate
from services.conversation.generation import Generation
from services.conversation.history import History
from services.conversation.inspection import Inspector
from services.conversation.judge import ModelJudge
from services.conversation.ledger import Ledger
from services.conversation.lore_meaning import MeantEntries
from services.conversation.lore_search import LoreSearch
from services.conversation.lore_trial import LoreTrial
from services.conversation.moderation.policy import ContentPolicy
from services.conversation.moderation.rules import NO_RULES
from services.conversation.moderation.screening import Moderation
from services.conversation.pictures import Pictures
from services.conversation.places import PlaceSettings
from services.conversation.recollection import (
    DocumentSource,
    PersonSource,
    RecallSource,
    SummarySource,
    Viewers,
)
from services.conversation.reminding import Reminding
from services.conversation.revisions import Revisions
from services.conversation.runner import TurnRunner
from services.conversation.scene_state import SceneStates
from services.conversation.scenery import SceneryPainter
from services.conversation.scenes import Scenes
from services.conversation.screenshots import GameHelp
from services.conversation.scripting import Scripting
from services.conversation.service import ConversationService, Parts
from services.conversation.sources import (
    AnswerStyleSource,
    ContextSource,
    OverheardSource,
    SpokenSource,
    TimeSource,
)
from services.conversation.tool_permissions import ToolPermissions
from services.conversation.transcripts.exporting import ChatExport
from services.conversation.transcripts.importing import ChatImport
from services.conversation.turns import TurnStore
from services.conversation.user_personas import DescribedUsers
from services.conversation.warming import Warming
from services.domain.clock import Clock, SystemClock
from services.domain.events import Notice
from services.domain.ids import AuthorId, ConversationId, IdSource, PersonaId, UlidSource
from services.domain.messages import HistoryEntry
from services.events.local import LocalEventBus
from services.games.boards import Boards, GameMaster
from services.games.dilemmas import Dilemmas
from services.games.holding import GameHolding
from services.games.opentdb import OpenTrivia
from services.games.questions import QuestionBank, QuestionSource
from services.games.stories import Stories
from services.games.storyteller import ModelStoryteller
from services.games.tools import game_tools
from services.games.trivia import Trivia
from services.housekeeping.chores import every_chore
from services.housekeeping.departures import Departures
from services.housekeeping.privacy_notice import PrivacyNotice
from services.housekeeping.service import Housekeeping
from services.images.engines import build_maker
from services.images.screening import ScreenPrompt, Standing
from services.images.service import ImageService, PutBlob
from services.images.tools import image_tools
from services.injection import containers, providers
from services.lifecycle import Afterwards, Lull, opened, prompt_loop
from services.lists.holding import ListHolding
from services.lists.lists import Lists
from services.lists.polls import Polls
from services.lists.tools import list_tools
from services.llm.breaker import Breakers
from services.llm.catalog import ModelCatalog
from services.llm.health import ModelProbe
from services.llm.thinking import Thinking
from services.llm.tokens import CalibratedTokens, EstimatedTokens
from services.llm.wrapping import Wrapping
from services.lookups.currency import CurrencyService
from services.lookups.rates import RateTable
from services.lookups.tools import lookup_tools
from services.lookups.weather import WeatherService
from services.mcp.pins import Pins
from services.mcp.service import McpServers
from services.memory.acquaintance import Acquaintances
from services.memory.documents.search import PassageSearch
from services.memory.documents.shelf import DocumentShelf
from services.memory.embedding import Embedder
from services.memory.engines import build_embedder, build_shelves
from services.memory.forgetting.service import Forgetting
from services.memory.index.indexing import Indexer
from services.memory.index.shelves import Shelf
from services.memory.index.vectors import VectorIndex
from services.memory.learning.affection import Affections
from services.memory.learning.facts import Facts
from services.memory.learning.learner import Learner
from services.memory.learning.lessons import Lessons
from services.memory.learning.thinking_over import ThinkingOver
from services.memory.recall.retrieval import TurnRetrieval
from services.memory.rights.service import MemoryRights
from services.memory.scope import Kind
from services.memory.summaries.service import Summaries
from services.net.configured import ConfiguredServer
from services.net.http import PublicWeb
from services.notes.holding import NoteHolding
from services.notes.service import Notes
from services.notes.tools import note_tools
from services.observability.health import Health
from services.observability.lag import LoopLag
from services.observability.metrics import Metrics
from services.observability.redaction import secret_values
from services.people.answer_style import AnswerStyles
from services.people.arrivals import Arrivals
from services.people.linking import AccountLinks
from services.people.own_choices import OwnChoices
from services.people.permissions import Permissions
from services.people.personas import UserPersonaBook
from services.people.privacy import Privacy
from services.people.repository import PeopleRepository
from services.people.scopes import ScopedSettings
from services.people.timezones import Timezones, found_zone
from services.persona.card_scripts import CardScripts
from services.persona.cards.desk import CardDesk
from services.persona.cards.limits import configured_limits
from services.persona.library import CharacterLibrary
from services.persona.lore.scanner import LoreScanner
from services.persona.lore.shelf import LoreShelf
from services.persona.pictures import CharacterPictures
from services.persona.prompts import PromptLibrary
from services.persona.watching import CharacterWatch
from services.profiles.holding import ProposalHolding
from services.profiles.proposals import Proposals
from services.profiles.relationships import Relationships
from services.projects.holding import ProjectHolding
from services.projects.ideas import Ideas
from services.projects.notes import ProjectNotes
from services.projects.planning import ModelPlanner
from services.projects.projects import Projects
from services.projects.service import ProjectServices
from services.projects.tasks import Tasks
from services.projects.threads import ThreadDirectory
from services.projects.tools import project_tools
from services.projects.weeks import Weeks
from services.reminders.dispatcher import ReminderDispatcher
from services.reminders.holding import ReminderHolding
from services.reminders.phrasing import Phrasing, Speaker
from services.reminders.phrasing import Screen as ScreenWords
from services.reminders.posts import ReminderPosts
from services.reminders.service import Reminders
from services.reminders.tools import reminder_tools
from services.reminders.zones import PlaceZone, Zones
from services.search.engines import build_search
from services.search.reader import PageReader
from services.search.service import SearchService
from services.search.tools import search_tools
from services.settings import (
    GamesSettings,
    GateSettings,
    GitHubSettings,
    HousekeepingSettings,
    LookupsSettings,
    MemorySettings,
    PeopleSettings,
    Settings,
    VoiceSettings,
)
from services.storage.blobs import BlobStore, StoredBlob
from services.storage.database import Database
from services.storage.health import DatabaseProbe
from services.toolbox.basics.tools import basic_tools
from services.toolbox.spec import ToolSpec
from services.toolbox.toolbox import Toolbox
from services.voice.voices import Voices

if TYPE_CHECKING:
    from services.voice.service import VoiceService

Resource: TypeAlias = AbstractAsyncContextManager[Any]

_PROMPTS = Path(__file__).parents[1] / "prompts"


def _announce(bus: LocalEventBus) -> Callable[[str, str], None]:
    def announce(code: str, text: str) -> None:
        bus.publish(Notice(code=code, text=text))

    return announce


def _permissions(people: PeopleSettings, gate: GateSettings, database: Database) -> Permissions:
    return Permissions(
        database,
        owners=[AuthorId.parse(owner) for owner in people.owners],
        blocked=[AuthorId.parse(account) for account in gate.blocked],
    )


def _secrets(settings: Settings) -> frozenset[str]:
    return frozenset(secret_values(settings))


def _backups(data: Path, housekeeping: HousekeepingSettings) -> Path:
    return housekeeping.backups or data.parent / "backups"


def _shelf_index(shelves: Sequence[Shelf], kind: Kind) -> VectorIndex:
    return next(shelf.index for shelf in shelves if kind in shelf.kinds)


def _if_remembering(settings: MemorySettings, *resources: Resource) -> Sequence[Resource]:
    return resources if settings.enabled else ()


def _embedder_of_lore(settings: MemorySettings, embedder: Embedder) -> Embedder | None:
    return embedder if settings.enabled else None


def _opened(*groups: Sequence[Resource]) -> Resource:
    return opened(*(resource for group in groups for resource in group))


def _sources(
    settings: MemorySettings, always: Sequence[ContextSource], memory: Sequence[ContextSource]
) -> Sequence[ContextSource]:
    return [*always, *memory] if settings.enabled else always


def _vocabulary(library: CharacterLibrary) -> Callable[[], Iterable[str]]:
    def texts() -> Iterable[str]:
        for persona in library.all():
            card = persona.character
            yield from (card.name, card.description, card.personality, card.scenario)
            yield from (card.first_mes, card.mes_example, *card.alternate_greetings)

    return texts


def _voice(
    settings: VoiceSettings,
    *,
    data: Path,
    conversations: ConversationService,
    library: CharacterLibrary,
    voices: Voices,
    clock: Clock,
    ids: IdSource,
    announce: Callable[[str, str], None],
    afterwards: Afterwards,
) -> VoiceService:
    from services.voice.engines.registry import (  # numpy and more, for those who call
        build_probability,
        build_speech_to_text,
        build_text_to_speech,
        build_turn_completion,
    )
    from services.voice.service import Engines, VoiceService

    engines = Engines(
        speech=build_text_to_speech(settings, data=data, clock=clock, on_notice=announce),
        ears=build_speech_to_text(settings, data=data),
        completion=build_turn_completion(),
        probability=build_probability(),
    )
    voice = VoiceService(
        engines,
        conversations=conversations,
        library=library,
        voices=voices,
        settings=settings,
        clock=clock,
        ids=ids,
    )
    afterwards.add(voice.close)
    return voice


def _zone_of_place(places: PlaceSettings) -> PlaceZone:
    async def zone(conversation: ConversationId) -> str:
        return (await places.of(conversation)).timezone

    return zone


def _speaker_of(library: CharacterLibrary) -> Callable[[PersonaId], Speaker | None]:
    def speaker(identity: PersonaId) -> Speaker | None:
        persona = library.get(identity)
        if persona is None:
            return None
        card = persona.character
        return Speaker(name=persona.name, manner=card.personality or card.description)

    return speaker


def _github_tools(
    settings: GitHubSettings, clock: Clock, afterwards: Afterwards
) -> Sequence[ToolSpec]:
    if settings.token is None:
        return []
    from services.projects.github.client import GitHubClient  # for those who have a token
    from services.projects.github.tools import github_tools

    client = GitHubClient(settings, clock=clock)
    afterwards.add(client.close)
    return github_tools(settings, client)


def _screen(content: ContentPolicy) -> Callable[[str], Awaitable[str]]:
    def screen(text: str) -> Awaitable[str]:
        return content.cleaned(text, content.joined(NO_RULES))

    return screen


def _screen_of_place(content: ContentPolicy, places: PlaceSettings) -> ScreenWords:
    async def screen(text: str, conversation: ConversationId) -> str:
        rules = await places.of(conversation)
        return await content.cleaned(text, content.joined(rules.blocked))

    return screen


def _prompt_screen(content: ContentPolicy, places: PlaceSettings) -> ScreenPrompt:
    async def screen(prompt: str, place: ConversationId) -> Standing:
        rules = await places.of(place)
        if await content.joined(rules.blocked).found_in(prompt):
            return "forbidden"
        return "adults" if rules.adults else "everybody"

    return screen


def _put_picture(blobs: BlobStore) -> PutBlob:
    async def put(content: bytes, media_type: str) -> StoredBlob:
        return await blobs.put(content, media_type=media_type)

    return put


def _known(scenes: Scenes) -> Known:
    async def known(
        conversation: ConversationId, persona: PersonaId, entries: Sequence[HistoryEntry]
    ) -> Sequence[HistoryEntry]:
        return (await scenes.of(conversation)).known(entries, persona)

    return known


def _public_web(afterwards: Afterwards) -> PublicWeb:
    web = PublicWeb()
    afterwards.add(web.close)
    return web


def _weather(settings: LookupsSettings) -> WeatherService:
    return WeatherService(
        geocoding=ConfiguredServer("The weather service", settings.geocoding_url),
        forecast=ConfiguredServer("The weather service", settings.weather_url),
    )


def _currency(settings: LookupsSettings, *, data: Path, clock: Clock) -> CurrencyService:
    bank = ConfiguredServer("The European Central Bank", settings.rates_url)
    return CurrencyService(RateTable(bank, path=data / "rates" / "ecb.json", clock=clock))


def _questions(
    settings: GamesSettings, *, bank: QuestionBank, clock: Clock, rng: random.Random
) -> QuestionSource:
    if not settings.trivia_url:
        return bank
    server = ConfiguredServer("The trivia service", settings.trivia_url, seconds=5.0)
    return OpenTrivia(server, fallback=bank, clock=clock, rng=rng)


def _lorebooks(data: Path) -> Path:
    return data / "lorebooks"


def _imported_characters(data: Path) -> Path:
    return data / "characters"


class ServiceFactory(containers.DeclarativeContainer):
    """All services of one process; each is made once, at first use."""

    settings = providers.Dependency(instance_of=Settings)

    # -- ground: time, chance, news, storage
    clock = providers.Singleton(SystemClock)
    rng = providers.Singleton(random.SystemRandom)
    ids = providers.Singleton(UlidSource, clock, rng)
    metrics = providers.Singleton(Metrics)
    bus = providers.Singleton(LocalEventBus)
    lull = providers.Singleton(Lull)
    afterwards = providers.Singleton(Afterwards)
    announce = providers.Singleton(_announce, bus)
    database = providers.Singleton(
        Database, settings.provided.storage, clock=clock, metrics=metrics
    )
    blobs = providers.Singleton(
        BlobStore, settings.provided.storage, database=database, clock=clock
    )

    # -- models
    tokens = providers.Singleton(CalibratedTokens, providers.Singleton(EstimatedTokens))
    breakers = providers.Singleton(
        Breakers,
        failures=settings.provided.llm.breaker_failures,
        seconds=settings.provided.llm.breaker_seconds,
        clock=clock,
        metrics=metrics,
    )
    wrapping = providers.Singleton(
        Wrapping,
        settings.provided.llm,
        breakers=breakers,
        metrics=metrics,
        clock=clock,
        rng=rng,
        tokens=tokens,
        on_notice=announce,
    )
    models = providers.Singleton(
        ModelCatalog,
        settings.provided.llm,
        settings.provided.embedded,
        hosted=providers.Dict(
            openai=settings.provided.openai,
            openrouter=settings.provided.openrouter,
            requesty=settings.provided.requesty,
            vllm=settings.provided.vllm,
            llamacpp=settings.provided.llamacpp,
        ),
        data=settings.provided.storage.data,
        clock=clock,
        tokens=tokens,
        wrapping=wrapping,
        metrics=metrics,
        on_notice=announce,
    )

    # -- who there is
    people = providers.Singleton(PeopleRepository, ids)
    scopes = providers.Singleton(ScopedSettings, database=database, clock=clock)
    own_choices = providers.Singleton(OwnChoices, scopes, database=database, people=people)
    answer_styles = providers.Singleton(AnswerStyles, own_choices)
    timezones = providers.Singleton(Timezones, own_choices)
    permissions = providers.Singleton(
        _permissions, settings.provided.people, settings.provided.gate, database
    )
    prompts = providers.Singleton(PromptLibrary, _PROMPTS)
    imported = providers.Singleton(_imported_characters, settings.provided.storage.data)
    library = providers.Singleton(
        CharacterLibrary,
        settings.provided.persona.characters,
        imported,
        default=settings.provided.persona.default,
        own=imported,
        limits=providers.Singleton(
            configured_limits, settings.provided.persona, settings.provided.lore
        ),
        publish=bus.provided.publish,
    )
    portraits = providers.Singleton(
        CharacterPictures, settings.provided.persona.characters, imported
    )
    cards = providers.Singleton(
        CardDesk,
        library,
        into=imported,
        shelves=providers.List(settings.provided.persona.characters),
        ids=ids,
        limits=providers.Singleton(
            configured_limits, settings.provided.persona, settings.provided.lore
        ),
    )
    character_watch = providers.Singleton(CharacterWatch, library)

    # -- what is kept
    history = providers.Singleton(History)
    branches = providers.Singleton(Branches, database=database, history=history)
    turns = providers.Singleton(TurnStore, history, ids)
    actions = providers.Singleton(PendingActions)
    ledger = providers.Singleton(
        Ledger,
        database=database,
        history=history,
        turns=turns,
        actions=actions,
        people=people,
        clock=clock,
        ids=ids,
        pending_action_hours=settings.provided.conversation.pending_action_hours,
    )

    # -- talking
    thinking = providers.Singleton(
        Thinking, models, prompts, settings.provided.llm, metrics=metrics
    )
    content_policy = providers.Singleton(
        ContentPolicy,
        settings.provided.moderation,
        secrets=providers.Callable(_secrets, settings),
        metrics=metrics,
    )
    moderation = providers.Singleton(
        Moderation,
        settings.provided.moderation,
        policy=content_policy,
        thinking=thinking,
        prompts=prompts,
        clock=clock,
        metrics=metrics,
    )
    judge = providers.Singleton(ModelJudge, prompts=prompts, thinking=thinking)
    gate = providers.Singleton(Gate, settings.provided.gate, clock=clock, rng=rng, judge=judge)

    # -- remembering
    embedder = providers.Singleton(
        build_embedder,
        settings.provided.memory,
        llm=settings.provided.llm,
        openai=settings.provided.openai,
    )
    shelves = providers.Singleton(
        build_shelves, settings.provided.memory, data=settings.provided.storage.data
    )
    indexer = providers.Singleton(
        Indexer,
        database=database,
        bus=bus,
        embedder=embedder,
        shelves=shelves,
        clock=clock,
        metrics=metrics,
        on_notice=announce,
        idle=lull.provided.come,
        working=settings.provided.memory.enabled,
    )
    retrieval = providers.Singleton(
        TurnRetrieval,
        database=database,
        index=providers.Callable(_shelf_index, shelves, Kind.TURN),
        embedder=embedder,
        metrics=metrics,
    )
    documents = providers.Singleton(
        DocumentShelf,
        settings.provided.memory,
        data=settings.provided.storage.data,
        database=database,
        clock=clock,
        ids=ids,
        index=indexer,
        on_notice=announce,
    )
    passages = providers.Singleton(
        PassageSearch,
        database=database,
        embedder=embedder,
        index=providers.Callable(_shelf_index, shelves, Kind.PASSAGE),
    )
    thinking_over = providers.Singleton(
        ThinkingOver,
        models,
        prompts,
        settings.provided.memory,
        settings.provided.llm,
        metrics=metrics,
    )
    learner = providers.Singleton(
        Learner,
        database=database,
        bus=bus,
        lessons=providers.Singleton(
            Lessons,
            facts=providers.Singleton(Facts, ids),
            affections=providers.Singleton(Affections),
            clock=clock,
        ),
        clock=clock,
        settings=settings.provided.memory,
        index=indexer,
        thinking_over=thinking_over,
        metrics=metrics,
    )
    summaries = providers.Singleton(
        Summaries,
        settings.provided.memory,
        database=database,
        models=models,
        model=settings.provided.llm.thinking_model,
        prompts=prompts,
        clock=clock,
        ids=ids,
        bus=bus,
        index=indexer,
        metrics=metrics,
    )
    privacy = providers.Singleton(Privacy, own_choices)
    arrivals = providers.Singleton(Arrivals, database=database, people=people, clock=clock)
    viewers = providers.Singleton(
        Viewers,
        settings.provided.memory,
        database=database,
        people=people,
        scopes=scopes,
        privacy=privacy,
        library=library,
    )
    acquaintances = providers.Singleton(Acquaintances, database=database)
    reminding = providers.Singleton(
        Reminding,
        viewers=viewers,
        retrieval=retrieval,
        acquaintances=acquaintances,
        summaries=summaries,
        passages=passages,
        clock=clock,
    )
    sources = providers.Callable(
        _sources,
        settings.provided.memory,
        always=providers.List(
            providers.Singleton(TimeSource, clock),
            providers.Singleton(AnswerStyleSource, answer_styles, prompts=prompts),
            providers.Singleton(SpokenSource, prompts),
            providers.Singleton(OverheardSource, gate.provided.overheard),
        ),
        memory=providers.List(
            providers.Singleton(PersonSource, acquaintances, viewers=viewers, prompts=prompts),
            providers.Singleton(RecallSource, retrieval, viewers=viewers, prompts=prompts),
            providers.Singleton(SummarySource, summaries, viewers=viewers, prompts=prompts),
            providers.Singleton(DocumentSource, passages, viewers=viewers, prompts=prompts),
        ),
    )

    # -- everyday services
    notes = providers.Singleton(
        Notes,
        database=database,
        clock=clock,
        embedder=providers.Callable(_embedder_of_lore, settings.provided.memory, embedder),
    )
    lists = providers.Singleton(Lists, database=database, clock=clock)
    polls = providers.Singleton(Polls, database=database, clock=clock)
    holdings = providers.List(
        providers.Singleton(NoteHolding),
        providers.Singleton(ListHolding),
    )
    code_runner = providers.Singleton(
        CodeRunner, settings.provided.code, clock=clock, metrics=metrics
    )
    tools = providers.List(
        providers.Singleton(
            basic_tools, clock=clock, rng=rng, find_zone=providers.Object(found_zone)
        ),
        providers.Singleton(note_tools, notes),
        providers.Singleton(list_tools, lists, polls),
        providers.Singleton(code_tools, code_runner),
    )
    toolbox = providers.Singleton(Toolbox, tools, metrics=metrics)
    mcp_servers = providers.Singleton(
        McpServers,
        settings.provided.mcp,
        toolbox=toolbox,
        pins=providers.Singleton(Pins, database, clock=clock),
        clock=clock,
        rng=rng,
        announce=announce,
    )

    # -- what a prompt is made of
    shelf = providers.Singleton(
        LoreShelf,
        providers.Singleton(_lorebooks, settings.provided.storage.data),
        most_entries=settings.provided.lore.max_entries,
        beside=providers.List(imported, settings.provided.persona.characters),
    )
    user_persona_book = providers.Singleton(
        UserPersonaBook, database=database, clock=clock, ids=ids
    )
    user_personas = providers.Singleton(DescribedUsers, user_persona_book)
    lorebooks = providers.Singleton(
        Lorebooks,
        scopes=scopes,
        shelf=shelf,
        people=people,
        permissions=permissions,
        database=database,
        clock=clock,
    )
    scenes = providers.Singleton(Scenes, scopes=scopes, library=library, rng=rng)
    states = providers.Singleton(SceneStates, database=database, clock=clock)
    card_scripts = providers.Singleton(CardScripts)
    painter = providers.Singleton(
        SceneryPainter,
        lore=providers.Singleton(
            LoreSearch,
            shelf=shelf,
            scanner=providers.Singleton(LoreScanner),
            scopes=scopes,
            tokens=tokens,
            rng=rng,
            settings=settings.provided.lore,
            meant=providers.Singleton(
                MeantEntries,
                providers.Callable(_embedder_of_lore, settings.provided.memory, embedder),
            ),
        ),
        scripts=card_scripts,
        states=states,
        clock=clock,
        rng=rng,
        user_personas=user_personas,
    )
    scripting = providers.Singleton(
        Scripting,
        scripts=card_scripts,
        library=library,
        painter=painter,
        user_personas=user_personas,
    )
    pictures = providers.Singleton(
        Pictures,
        settings.provided.images,
        read_blob=blobs.provided.read,
        models=models,
        prompts=prompts,
    )
    document_reading = providers.Singleton(DocumentReading, blobs.provided.read)
    attached = providers.Singleton(
        AttachedFiles,
        settings.provided.conversation,
        reading=document_reading,
        tokens=tokens,
        embedder=providers.Callable(_embedder_of_lore, settings.provided.memory, embedder),
    )
    assembler = providers.Singleton(
        ContextAssembler,
        sources=sources,
        prompts=prompts,
        tokens=tokens,
        settings=settings.provided.conversation,
        pictures=pictures,
        attached=attached,
        metrics=metrics,
        painter=painter,
        default_user=settings.provided.persona.user_name,
    )
    generation = providers.Singleton(
        Generation,
        toolbox=toolbox,
        prompts=prompts,
        content=content_policy,
        settings=settings.provided.conversation,
    )
    inspector = providers.Singleton(Inspector)
    answers = providers.Singleton(
        AnswerSource,
        models=models,
        assembler=assembler,
        generation=generation,
        toolbox=toolbox,
        tokens=tokens,
        inspector=inspector,
        settings=settings.provided.llm,
        rng=rng,
        scripting=scripting,
        content=content_policy,
    )
    runner = providers.Singleton(
        TurnRunner,
        answers=answers,
        ledger=ledger,
        metrics=metrics,
        lane_events=settings.provided.conversation.lane_events,
        suggest=learner.provided.suggest,
        lull=lull,
    )
    places = providers.Singleton(
        PlaceSettings,
        scopes,
        library=library,
        prompts=prompts,
        gate=settings.provided.gate,
        discord=settings.provided.discord,
    )
    tool_permissions = providers.Singleton(
        ToolPermissions, toolbox=toolbox, places=places, scopes=scopes
    )
    choices = providers.Singleton(
        Choices,
        places=places,
        scopes=scopes,
        library=library,
        rng=rng,
        gate=settings.provided.gate,
        timezones=timezones,
    )
    lore_trial = providers.Singleton(
        LoreTrial,
        painter=painter,
        choices=choices,
        scenes=scenes,
        ledger=ledger,
        arrivals=arrivals,
        clock=clock,
        ids=ids,
        settings=settings.provided.llm,
        history_messages=settings.provided.conversation.history_messages,
    )
    privacy_notice = providers.Singleton(
        PrivacyNotice, settings, viewers=viewers, places=places, scopes=scopes
    )
    company = providers.Singleton(
        Company,
        gate=gate,
        ledger=ledger,
        runner=runner,
        choices=choices,
        scenes=scenes,
        scripting=scripting,
        moderation=moderation,
        permissions=permissions,
        library=library,
        bus=bus,
        clock=clock,
        ids=ids,
        metrics=metrics,
        settings=settings.provided.conversation,
    )
    revisions = providers.Singleton(
        Revisions,
        database=database,
        history=history,
        ledger=ledger,
        generation=generation,
        clock=clock,
        scenes=scenes,
        library=library,
        user_personas=user_personas,
        scripting=scripting,
        content=content_policy,
    )
    warming = providers.Singleton(
        Warming, models=models, answers=answers, choices=choices, scenes=scenes
    )
    deliveries = providers.Singleton(DeliveryDirectory)
    parts = providers.Singleton(
        Parts,
        company=company,
        revisions=revisions,
        choices=choices,
        inspector=inspector,
        warming=warming,
        scripting=scripting,
        deliveries=deliveries,
    )
    conversations = providers.Singleton(ConversationService, parts)

    # -- reminders
    reminder_posts = providers.Singleton(ReminderPosts)
    reminders = providers.Singleton(
        Reminders,
        database=database,
        clock=clock,
        ids=ids,
        zones=providers.Singleton(Zones, timezones, providers.Callable(_zone_of_place, places)),
        news=reminder_posts.provided.news,
    )
    reminder_dispatcher = providers.Singleton(
        ReminderDispatcher,
        database=database,
        clock=clock,
        posts=reminder_posts,
        phrasing=providers.Singleton(
            Phrasing,
            thinking,
            prompts,
            speaker=providers.Callable(_speaker_of, library),
            screen=providers.Singleton(_screen_of_place, content_policy, places),
        ),
    )
    tools.add_args(providers.Callable(reminder_tools, reminders))
    holdings.add_args(providers.Singleton(ReminderHolding))

    # -- projects
    project_threads = providers.Singleton(ThreadDirectory)
    project_planner = providers.Singleton(ModelPlanner, models, prompts)
    projects = providers.Singleton(
        Projects, database=database, clock=clock, threads=project_threads
    )
    project_services = providers.Singleton(
        ProjectServices,
        projects=projects,
        tasks=providers.Singleton(Tasks, database=database, clock=clock),
        ideas=providers.Singleton(
            Ideas, database=database, clock=clock, rng=rng, projects=projects
        ),
        notes=providers.Singleton(ProjectNotes, database=database, clock=clock),
        weeks=providers.Singleton(Weeks, database=database, clock=clock, planner=project_planner),
        planner=project_planner,
        threads=project_threads,
    )
    tools.add_args(
        providers.Callable(project_tools, project_services),
        providers.Callable(_github_tools, settings.provided.github, clock, afterwards),
    )
    holdings.add_args(providers.Singleton(ProjectHolding))

    # -- search, weather and currencies
    public_web = providers.Singleton(_public_web, afterwards)
    search = providers.Singleton(
        SearchService,
        settings.provided.search,
        engine=providers.Singleton(build_search, settings.provided.search, afterwards),
        reader=providers.Singleton(PageReader, public_web),
        models=models,
        prompts=prompts,
        clock=clock,
        screen=providers.Callable(_screen, content_policy),
    )
    weather = providers.Singleton(_weather, settings.provided.lookups)
    currency = providers.Singleton(
        _currency, settings.provided.lookups, data=settings.provided.storage.data, clock=clock
    )
    tools.add_args(
        providers.Callable(search_tools, search),
        providers.Callable(lookup_tools, weather, currency),
    )

    # -- pictures and documents
    images = providers.Singleton(
        ImageService,
        settings.provided.images,
        build=providers.Object(build_maker),
        screen=providers.Singleton(_prompt_screen, content_policy, places),
        put=providers.Singleton(_put_picture, blobs),
        clock=clock,
        rng=rng,
    )
    game_help = providers.Singleton(
        GameHelp, pictures, models=models, conversations=conversations, prompts=prompts
    )
    tools.add_args(
        providers.Callable(image_tools, images, seconds=settings.provided.images.timeout_seconds),
        providers.Callable(
            document_tools, attached, messages=ledger, known=providers.Singleton(_known, scenes)
        ),
    )

    # -- games
    boards = providers.Singleton(Boards)
    question_bank = providers.Singleton(QuestionBank, rng)
    trivia = providers.Singleton(
        Trivia,
        database=database,
        clock=clock,
        source=providers.Singleton(
            _questions, settings.provided.games, bank=question_bank, clock=clock, rng=rng
        ),
        seconds=settings.provided.games.question_seconds,
        news=boards.provided.news,
    )
    game_master = providers.Singleton(GameMaster, trivia=trivia, boards=boards, clock=clock)
    dilemmas = providers.Singleton(Dilemmas, database=database, clock=clock, rng=rng)
    stories = providers.Singleton(
        Stories,
        database=database,
        clock=clock,
        storyteller=providers.Singleton(
            ModelStoryteller, models, prompts, screen=providers.Callable(_screen, content_policy)
        ),
    )
    tools.add_args(providers.Callable(game_tools, question_bank, dilemmas))
    holdings.add_args(providers.Singleton(GameHolding), providers.Singleton(ProposalHolding))

    # -- calls
    voices = providers.Singleton(Voices, scopes)
    voice = providers.Singleton(
        _voice,
        settings.provided.voice,
        data=settings.provided.storage.data,
        conversations=conversations,
        library=library,
        voices=voices,
        clock=clock,
        ids=ids,
        announce=announce,
        afterwards=afterwards,
    )

    # -- what people may do with what is remembered of them
    forgetting = providers.Singleton(
        Forgetting,
        database=database,
        blobs=blobs,
        data=settings.provided.storage.data,
        backups=providers.Callable(
            _backups, settings.provided.storage.data, settings.provided.housekeeping
        ),
        clock=clock,
        ids=ids,
        index=indexer,
        live=providers.Singleton(
            Amnesia,
            conversations=conversations,
            history=history,
            states=states,
            people=people,
            scopes=scopes,
            permissions=permissions,
            user_personas=user_persona_book,
            viewers=viewers,
            pictures=pictures,
            documents=document_reading,
            answers=wrapping,
        ),
        vocabulary=providers.Callable(_vocabulary, library),
        holdings=holdings,
    )
    memory_rights = providers.Singleton(
        MemoryRights,
        database=database,
        forgetting=forgetting,
        clock=clock,
        ids=ids,
        index=indexer,
        holdings=holdings,
    )
    proposals = providers.Singleton(
        Proposals,
        database=database,
        clock=clock,
        rights=memory_rights,
        arrive=arrivals.provided.note,
    )
    relationships = providers.Singleton(Relationships, database)
    account_links = providers.Singleton(
        AccountLinks,
        database=database,
        people=people,
        clock=clock,
        rng=rng,
        on_linked=scopes.provided.refresh,
    )
    chat_export = providers.Singleton(ChatExport, database=database, clock=clock)
    chat_import = providers.Singleton(
        ChatImport,
        database=database,
        people=people,
        clock=clock,
        characters=library,
        longest=settings.provided.conversation.max_message_characters,
    )

    # -- how it is doing
    loop_lag = providers.Singleton(LoopLag, metrics)
    health = providers.Singleton(
        Health,
        clock=clock,
        metrics=metrics,
        events=bus,
        probes=providers.List(
            providers.Singleton(DatabaseProbe, database), providers.Singleton(ModelProbe, models)
        ),
        models=breakers.provided.states,
    )

    departures = providers.Singleton(
        Departures,
        database=database,
        forgetting=forgetting,
        clock=clock,
        days=settings.provided.discord.forget_guild_days,
    )
    housekeeping = providers.Singleton(
        Housekeeping,
        settings.provided.housekeeping,
        data=settings.provided.storage.data,
        database=database,
        clock=clock,
        chores=providers.Singleton(
            every_chore,
            settings,
            database=database,
            blobs=blobs,
            clock=clock,
            index=indexer,
            departures=departures,
        ),
        metrics=metrics,
    )

    # -- life: opened in this order, closed in reverse
    lifespan = providers.Factory(
        _opened,
        providers.List(loop_lag, database, models, library, character_watch, indexer, forgetting),
        providers.Callable(
            _if_remembering, settings.provided.memory, learner, summaries, documents
        ),
        providers.List(afterwards, mcp_servers, conversations, reminder_dispatcher, game_master),
    )


@asynccontextmanager
async def opened_services(settings: Settings) -> AsyncIterator[ServiceFactory]:
    """Open every service of ``settings`` and close them in reverse order at the end."""
    factory = ServiceFactory(settings=settings)
    async with factory.lifespan():
        with prompt_loop():
            yield factory
