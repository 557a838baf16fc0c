"""One short answer from the model, asked for real."""

from __future__ import annotations

from services.doctor.check import Case, Check, Finding, fine, problem, skipped, warning
from services.doctor.endpoints import default_endpoint
from services.doctor.trial import tried
from services.domain.errors import ProviderError, ProviderFault

_SECONDS = 240.0
_SLOW_SECONDS = 20.0
_OF_THE_SETTINGS = frozenset({ProviderFault.UNAUTHORIZED, ProviderFault.UNSUPPORTED})


async def _answer(case: Case) -> Finding:
    if case.models is None:
        return skipped("There is no model to ask here.")
    try:
        async with case.models() as models:
            trial = await tried(models, clock=case.clock, seconds=_SECONDS)
    except ProviderError as error:
        sentence, _, fix = error.user_message.partition("; ")
        return problem(
            f"The model gave no answer: {sentence.rstrip('.')}.",
            fix=f"{fix[:1].upper()}{fix[1:]}" or "Choose another model with `main.py setup`.",
            cause="settings" if error.fault in _OF_THE_SETTINGS else "dependency",
        )
    times = f"first words after {trial.first:.1f} s, all after {trial.total:.1f} s"
    sentence = f"{trial.model} ({trial.provider}) answered: {times}"
    wanted = default_endpoint(case.loaded)
    if not trial.provider.startswith(wanted):
        return warning(
            f"{sentence}, in place of {wanted}, which did not.",
            fix=f"Look at what the checks say about {wanted}.",
            cause="dependency",
        )
    if trial.first > _SLOW_SECONDS:
        return warning(
            f"{sentence}.",
            fix="Ask again: a model that had to be loaded first is quicker then. Else take a "
            "smaller one.",
            cause="dependency",
        )
    return fine(f"{sentence}.")


CHECKS = (Check(name="answer", area="model", examine=_answer, live=True, seconds=_SECONDS + 30.0),)
