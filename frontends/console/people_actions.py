"""Commands about who the person is to the characters."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from frontends.console.wording import one_line
from services.domain.errors import InvalidRequest
from services.people.profiles import (
    Binding,
    BindingKind,
    PersonaChange,
    PersonaPlace,
    PersonaRole,
    Profile,
    UserPersona,
)

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_SHOWN = 80
_NOBODY = "none"
_USAGE = (
    "Write /me list, add NAME [TEXT], edit NAME TEXT, rename NAME NEW, place NAME PLACE [DEPTH] "
    "[ROLE], use NAME|none [here|with CHARACTER|always], remove NAME, export or forget; a name of "
    "several words stands in quotation marks."
)


async def _me(talk: Talk, argument: str) -> None:
    word, _, rest = argument.strip().partition(" ")
    word = word.lower() or "list"
    if word == "export":
        await _export(talk)
        return
    if word not in _CHANGES:
        raise InvalidRequest("me_usage", _USAGE)
    await _CHANGES[word](talk, rest)
    await _show(talk, await talk.user_personas.profile(talk.author.id))


async def _list(_talk: Talk, rest: str) -> None:
    if rest:
        raise InvalidRequest("me_usage", _USAGE)


async def _add(talk: Talk, rest: str) -> None:
    name, text = _name_first(rest)
    await talk.user_personas.add(talk.author.id, name, text)


async def _edit(talk: Talk, rest: str) -> None:
    name, text = _name_first(rest)
    if not text:
        raise InvalidRequest("me_usage", _USAGE)
    await talk.user_personas.edit(talk.author.id, name, PersonaChange(description=text))


async def _rename(talk: Talk, rest: str) -> None:
    name, new = _name_first(rest)
    change = PersonaChange(name=_name_first(new)[0])
    await talk.user_personas.edit(talk.author.id, name, change)


async def _place(talk: Talk, rest: str) -> None:
    name, place = _name_first(rest)
    await talk.user_personas.edit(talk.author.id, name, _placed(place))


async def _remove(talk: Talk, rest: str) -> None:
    await talk.user_personas.remove(talk.author.id, _name_first(rest)[0])


async def _forget(talk: Talk, _rest: str) -> None:
    await talk.user_personas.forget(talk.author.id)


async def _export(talk: Talk) -> None:
    exported = await talk.user_personas.export(talk.author.id)
    lines = json.dumps(exported, ensure_ascii=False, indent=2).splitlines()
    talk.view.report(Report(kind="me_export", lines=lines, fields=exported))


async def _use(talk: Talk, rest: str) -> None:
    name, where = _name_first(rest)
    binding: Binding | None
    match where.split(maxsplit=1):
        case [] | ["here"]:
            binding = Binding.here(talk.conversation)
        case ["always"]:
            binding = None
        case ["with", character]:
            binding = Binding.with_character(talk.library.find(character).id)
        case _:
            raise InvalidRequest("me_usage", _USAGE)
    if name.lower() == _NOBODY:
        await talk.user_personas.release(talk.author.id, binding)
    else:
        await talk.user_personas.use(talk.author.id, name, binding)


def _placed(place: str) -> PersonaChange:
    words = place.split()
    try:
        return PersonaChange(
            place=PersonaPlace(words[0].lower()),
            depth=int(words[1]) if len(words) > 1 else None,
            role=PersonaRole(words[2].lower()) if len(words) > 2 else None,
        )
    except (IndexError, ValueError):
        raise InvalidRequest("me_usage", _USAGE) from None


def _name_first(text: str) -> tuple[str, str]:
    """Return the name a text begins with, which may be quoted, and what follows."""
    text = text.strip()
    if text.startswith('"') and '"' in text[1:]:
        name, _, rest = text[1:].partition('"')
    else:
        name, _, rest = text.partition(" ")
    if not name.strip():
        raise InvalidRequest("me_usage", _USAGE)
    return name.strip(), rest.strip()


async def _show(talk: Talk, profile: Profile) -> None:
    persona = await talk.conversations.persona_of(talk.conversation)
    held = profile.holding(talk.conversation, persona.id)
    lines = [f"Here you are {held.name if held else talk.author.display_name}."]
    lines += [_line(one, profile) for one in profile.personas]
    talk.view.report(
        Report(
            kind="me",
            lines=lines,
            fields={"name": held.name if held else None, "personas": profile.as_json()},
        )
    )


def _line(persona: UserPersona, profile: Profile) -> str:
    places = [
        f"in {binding.target}"
        if binding.kind is BindingKind.CONVERSATION
        else f"with {binding.target}"
        for binding, identity in profile.bindings.items()
        if identity == persona.id
    ]
    if persona.is_default:
        places.append("always")
    held = f" ({', '.join(sorted(set(places)))})" if places else ""
    said = one_line(persona.description, longest=_SHOWN)
    return f"{persona.name}{held}: {said or 'no description'}"


_CHANGES: Mapping[str, Callable[[Talk, str], Awaitable[None]]] = {
    "list": _list,
    "add": _add,
    "edit": _edit,
    "rename": _rename,
    "place": _place,
    "use": _use,
    "remove": _remove,
    "forget": _forget,
}

PEOPLE_COMMANDS = (
    SlashCommand(
        name="me",
        argument="[list|add|edit|rename|place|use|remove|export|forget ...]",
        summary="Show or change who you are to the characters.",
        perform=_me,
    ),
)
