"""What characters say: secrets go, calls to everybody lose their power, the rest stays."""

from __future__ import annotations

import pytest

from services.conversation.moderation.policy import ContentPolicy
from services.conversation.moderation.rules import compile_rules
from services.domain.errors import ConfigurationError
from services.observability.metrics import Metrics
from services.settings import ModerationSettings
from tests.fakes import planted


class Desk:
    """A policy and what it counted."""

    def __init__(self, *, secrets: tuple[str, ...] = (), **settings: object) -> None:
        self.metrics = Metrics()
        self.policy = ContentPolicy(
            ModerationSettings.model_validate(settings), metrics=self.metrics, secrets=secrets
        )

    def said(self, text: str, place: tuple[str, ...] = ()) -> str:
        guard = self.policy.guard(self.policy.joined(compile_rules(place)))
        return "".join(guard.feed(char) for char in text) + guard.close()

    def replaced(self, kind: str) -> float:
        return self.metrics.counted("moderation_replaced", kind=kind)


@pytest.mark.parametrize("kind", planted.EVERY)
@pytest.mark.parametrize("form", ["It is {}.", "`{}`", "key={}\nnext", "({})", "{}"])
def test_what_looks_like_a_secret_is_removed(kind: str, form: str) -> None:
    desk = Desk()
    assert desk.said(form.format(planted.EVERY[kind])) == form.format("[removed]")
    assert desk.replaced("secret") == 1


def test_webhook_address_loses_its_token() -> None:
    assert Desk().said(f"Post to {planted.WEBHOOK}!") == "Post to https://discord.com/api[removed]!"


def test_private_key_goes_as_a_whole_even_when_it_is_escaped_or_cut_off() -> None:
    desk = Desk()
    escaped = planted.PRIVATE_KEY.replace("\n", "\\n")
    assert desk.said(f'{{"key": "{escaped}"}}') == '{"key": "[removed]"}'
    cut = "\n".join(planted.PRIVATE_KEY.split("\n")[:5])
    assert desk.said(f"{cut}\n\nThere it was.") == "[removed]\n\nThere it was."


def test_talking_about_keys_is_no_secret() -> None:
    words = (
        "An sk-"
        "learn-compatible-estimator, ghp_ tokens, AKIA prefixes, eyJ at the start, xoxb- and "
        "M.N.O; see https://discord.com/channels/123456789012345678/2 and mail a@b.org, v1.2.3"
    )
    assert Desk().said(words) == words


def test_known_secrets_are_removed_whatever_they_look_like() -> None:
    desk = Desk(secrets=("open sesame please", "short", "  spaced-secret \n"))
    assert desk.said("Say open sesame please.") == "Say [removed]."
    assert desk.said("a spaced-secret") == "a [removed]"
    assert desk.said("That is short.") == "That is short."
    desk.policy.reconfigure(ModerationSettings(), secrets=["another value"])
    assert desk.said("open sesame please another value") == "[removed] [removed]"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Hey @everyone!", "Hey @\u200deveryone!"),
        ("@here @here", "@\u200dhere @\u200dhere"),
        ("<@&123456> look", "<@\u200d&123456> look"),
        ("@ever <@123> a@b.org", "@ever <@123> a@b.org"),
    ],
)
def test_nobody_is_called_by_the_text(said: str, shown: str) -> None:
    assert Desk().said(said) == shown


def test_everybody_and_one_place_forbid_together() -> None:
    desk = Desk(words=["grue"], patterns=["z+ap"])
    assert desk.said("A grue, a snark: zzzap") == "A ▮▮▮, a snark: ▮▮▮"
    assert desk.said("A grue, a snark: zzzap", ("snark",)) == "A ▮▮▮, a ▮▮▮: ▮▮▮"
    assert desk.replaced("rule") == 5


def test_the_mask_does_not_tell_how_long_the_word_was() -> None:
    desk = Desk(words=["ox", "rhinoceros"])
    assert desk.said("ox") == desk.said("rhinoceros")


def test_a_pattern_that_cannot_be_used_is_named() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Desk(patterns=["fine", "(a"])
    assert "The pattern (a cannot be used" in refused.value.user_message


async def test_a_whole_text_is_cleaned_like_a_stream() -> None:
    desk = Desk(words=["grue"])
    rules = desk.policy.joined(compile_rules())
    long = "A grue. " * 500
    assert await desk.policy.cleaned(long, rules) == "A ▮▮▮. " * 500
    assert await desk.policy.cleaned("@here") == "@\u200dhere"


def test_words_are_shown_at_once_unless_they_may_begin_something() -> None:
    desk = Desk(words=["grue"])
    guard = desk.policy.guard(desk.policy.joined(compile_rules()))
    for token in ["I", " walked", " home", ",", " my", " friend", ".", " Then", " Ш", " 好", " 😀"]:
        assert guard.feed(token) == token
    assert guard.feed(" gr") == " "
    assert guard.feed("een") == "green"
    assert guard.close() == ""
