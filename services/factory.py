"""Every service and how they fit together, from the ground up."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from services.conversation.actions import PendingActions
from services.conversation.answers import AnswerSource
from services.conversation.bookmarks import Lorebooks
from services.conversation.choices import Choices
from services.conversation.company import Company
from services.conversation.context import ContextAssembler
from services.conversation.directory import DeliveryDirectory
from services.conversation.gate import Gate
from services.conversation.generation import Generation
from services.conversation.history import History
from services.conversation.inspection import Inspector
from services.conversation.judge import ModelJudge
from services.conversation.ledger import Ledger
from services.conversation.lore_search import LoreSearch
from services.conversation.revisions import Revisions
from services.conversation.runner import TurnRunner
from services.conversation.scene_state import SceneStates
from services.conversation.scenery import SceneryPainter
from services.conversation.scenes import Scenes
from services.conversation.scripting import Scripting
from services.conversation.service import ConversationService, Parts
from services.conversation.sources import OverheardSource, TimeSource
from services.conversation.turns import TurnStore
from services.conversation.user_personas import DescribedUsers
from services.conversation.warming import Warming
from services.domain.clock import SystemClock
from services.domain.events import Notice
from services.domain.ids import AuthorId, UlidSource
from services.events.local import LocalEventBus
from services.housekeeping.chores import every_chore
from services.housekeeping.service import Housekeeping
from services.injection import containers, providers
from services.lifecycle import opened
from services.llm.breaker import Breakers
from services.llm.catalog import ModelCatalog
from services.llm.health import ModelProbe
from services.llm.thinking import Thinking
from services.llm.tokens import CalibratedTokens, EstimatedTokens
from services.llm.wrapping import Wrapping
from services.observability.health import Health
from services.observability.lag import LoopLag
from services.observability.metrics import Metrics
from services.people.permissions import Permissions
from services.people.personas import UserPersonaBook
from services.people.repository import PeopleRepository
from services.people.scopes import ScopedSettings
from services.persona.card_scripts import CardScripts
from services.persona.cards.limits import configured_limits
from services.persona.library import CharacterLibrary
from services.persona.lore.scanner import LoreScanner
from services.persona.lore.shelf import LoreShelf
from services.persona.prompts import PromptLibrary
from services.persona.watching import CharacterWatch
from services.settings import GateSettings, PeopleSettings, Settings
from services.storage.blobs import BlobStore
from services.storage.database import Database
from services.storage.health import DatabaseProbe
from services.toolbox.toolbox import Toolbox

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
    character_watch = providers.Singleton(CharacterWatch, library)

    # -- what is kept
    history = providers.Singleton(History)
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
    toolbox = providers.Singleton(Toolbox)
    thinking = providers.Singleton(
        Thinking, models, prompts, settings.provided.llm, metrics=metrics
    )
    judge = providers.Singleton(ModelJudge, prompts=prompts, thinking=thinking)
    gate = providers.Singleton(Gate, settings.provided.gate, clock=clock, rng=rng, judge=judge)
    sources = providers.List(
        providers.Singleton(TimeSource, clock),
        providers.Singleton(OverheardSource, gate.provided.overheard),
    )
    shelf = providers.Singleton(
        LoreShelf,
        providers.Singleton(_lorebooks, settings.provided.storage.data),
        most_entries=settings.provided.lore.max_entries,
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
    assembler = providers.Singleton(
        ContextAssembler,
        sources=sources,
        prompts=prompts,
        tokens=tokens,
        settings=settings.provided.conversation,
        read_blob=blobs.provided.read,
        metrics=metrics,
        painter=painter,
        default_user=settings.provided.persona.user_name,
    )
    generation = providers.Singleton(
        Generation, toolbox=toolbox, prompts=prompts, settings=settings.provided.conversation
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
    )
    runner = providers.Singleton(
        TurnRunner,
        answers=answers,
        ledger=ledger,
        metrics=metrics,
        lane_events=settings.provided.conversation.lane_events,
    )
    choices = providers.Singleton(
        Choices, scopes=scopes, library=library, rng=rng, gate=settings.provided.gate
    )
    company = providers.Singleton(
        Company,
        gate=gate,
        ledger=ledger,
        runner=runner,
        choices=choices,
        scenes=scenes,
        scripting=scripting,
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

    housekeeping = providers.Singleton(
        Housekeeping,
        settings.provided.housekeeping,
        data=settings.provided.storage.data,
        database=database,
        clock=clock,
        chores=providers.Singleton(
            every_chore, settings, database=database, blobs=blobs, clock=clock
        ),
        metrics=metrics,
    )

    # -- life: opened in this order, closed in reverse
    lifespan = providers.Factory(
        opened, loop_lag, database, models, library, character_watch, conversations
    )


@asynccontextmanager
async def opened_services(settings: Settings) -> AsyncIterator[ServiceFactory]:
    """Open every service of ``settings`` and close them in reverse order at the end."""
    factory = ServiceFactory(settings=settings)
    async with factory.lifespan():
        yield factory
