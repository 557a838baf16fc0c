"""Arguments of tools whose parameters are described by a JSON schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, JsonValue, RootModel, model_validator

from services.mcp.schema import mismatch


def arguments_model(schema: Mapping[str, Any]) -> type[BaseModel]:
    """Return a model that takes what fits a cleaned schema, and shows that schema as its own.

    The arguments are the instance's ``model_dump()``.
    """

    class ServerArguments(RootModel[dict[str, JsonValue]]):
        model_config = ConfigDict(defer_build=True)  # most tools are never called

        @model_validator(mode="after")
        def _fits(self) -> Self:
            json.dumps(
                self.root, ensure_ascii=False
            ).encode()  # halves of characters cannot be sent
            problem = mismatch(schema, self.root)
            if problem is not None:
                raise ValueError(problem)
            return self

        @classmethod
        def model_json_schema(cls, *_: object, **__: object) -> dict[str, Any]:
            return dict(schema)

    return ServerArguments
