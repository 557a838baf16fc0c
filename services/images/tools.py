"""The tool by which characters make pictures."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from services.domain.errors import NotAllowed, ProviderError, Refused
from services.images.service import LONGEST_PROMPT, ImageService, PictureWish
from services.toolbox.spec import Cost, Effect, ToolContext, ToolOutput, ToolSpec


class _Wanted(BaseModel):
    prompt: str = Field(
        min_length=3,
        max_length=LONGEST_PROMPT,
        description="What the picture shows: subject, surroundings, style, light. In English.",
    )


def image_tools(images: ImageService, *, seconds: float) -> Sequence[ToolSpec]:
    """Return the tool, none where no engine is chosen; ``seconds`` bound one picture."""
    if not images.available:
        return ()

    async def make_image(given: _Wanted, context: ToolContext) -> ToolOutput:
        if context.asker is None:
            raise NotAllowed("picture_unasked", "Pictures are made only for somebody who asks.")
        wish = PictureWish(prompt=given.prompt, by=context.asker.id, place=context.conversation)
        try:
            made = await images.make_part(wish)
        except ProviderError as error:
            raise Refused(error.code, error.user_message) from error
        return ToolOutput(
            text="The picture is made and goes out with your answer; everybody sees it.",
            parts=(made,),
        )

    return (
        ToolSpec(
            name="make_image",
            area="images",
            description="Draw a picture and send it with your answer, when somebody asks for a "
            "picture, drawing, photo or selfie.",
            parameters=_Wanted,
            handler=make_image,
            keywords=(
                "draw",
                "drawing",
                "paint",
                "picture",
                "image",
                "photo",
                "selfie",
                "sketch",
                "illustration",
                "zeichne",
                "bild",
                "foto",
            ),
            timeout=2 * seconds + 5.0,
            effect=Effect.OWN,
            cost=Cost.MODEL,
            untrusted=False,
        ),
    )
