"""Models of OpenAI's, made of parts that are as they should be."""

from typing import Any

from openai import BaseModel


def made_of[T: BaseModel](kind: type[T], **fields: Any) -> T:
    """Make a model of its fields as they are.

    OpenAI's own `model_construct` looks at each again, and builds the schemas of all that a
    response may be: an eighth of a start.
    """
    return super(BaseModel, kind).model_construct(**fields)
