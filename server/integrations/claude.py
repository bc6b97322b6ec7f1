"""Claude: one question at a time, answered in the shape that is asked for, or not at all.

Belongs here: Anthropic's library, and what becomes of its answers and failures. Does not belong here: what is asked, and
whether what is answered holds (``server.service.insights``).

The library is imported when the first question is asked, in a thread: it takes longer to import than everything else
together. Its ``messages.parse`` is not used: it raises on whatever is no JSON of the shape, a refusal among it, and
what such an answer cost would be lost with it.
"""

import asyncio
import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import structlog
from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    import anthropic

MOST_TOKENS = 8_192
"""Of an answer, and of the thinking before it."""
MOST_AT_ONCE = 4
"""So many questions of one process are under way; others wait, within their own time."""
RETRIES = 1

PRICES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "claude-haiku-4-5": (1, 5),
        "claude-sonnet-5": (2, 10),
        "claude-sonnet-5-5": (2, 10),
        "claude-opus-5": (5, 25),
        "claude-opus-5-5": (4, 20),
    }
)
"""Model → list price of a million tokens in and out, in US dollars, as published in the autumn of 2026. So many dollars for a
million are as many millionths of a dollar for one. Models that are not here have a cost in tokens alone.
"""

Failure: TypeAlias = Literal["timed_out", "overloaded", "unavailable", "refused", "malformed"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What Claude is told to do, what it is given, and the model that its answer has to be."""

    task: str
    given: str
    answer: type[BaseModel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Tokens read and written; ``millionths`` of a US dollar, None where the price is not known."""

    input_tokens: int
    output_tokens: int
    millionths: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer of the right shape."""

    answer: BaseModel
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """No answer. ``detail`` is for people, and says nothing that was asked; what was spent in vain is told too."""

    failure: Failure
    detail: str
    cost: Cost | None = None


class Claude:
    """The port's one implementation that leaves the house; close it."""

    def __init__(self, api_key: str, *, base_url: str, model: str, seconds: float) -> None:
        """``seconds`` is how long an answer is waited for, waiting for others and trying again included."""
        self.model = model
        self._api_key = api_key
        self._base_url = base_url
        self._seconds = seconds
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._client: anthropic.AsyncAnthropic | None = None
        self._opening = asyncio.Lock()

    async def ask(self, question: Question) -> Answered | Unanswered:
        """Claude's answer, or why there is none. Raises nothing for anything that Claude may say or fail at."""
        try:
            async with asyncio.timeout(self._seconds), self._turns:
                return await self._ask(question)
        except TimeoutError:
            return Unanswered(
                failure="timed_out", detail=f"Claude did not answer within {self._seconds:.0f} seconds"
            )

    async def close(self) -> None:
        """Lets go of its connections."""
        if self._client is not None:
            await self._client.close()

    async def _ask(self, question: Question) -> Answered | Unanswered:
        client = await self._opened()
        library = _library()
        try:
            message = await client.messages.create(
                model=self.model,
                max_tokens=MOST_TOKENS,
                system=question.task,
                messages=[{"role": "user", "content": question.given}],
                output_config={
                    "format": {"type": "json_schema", "schema": library.transform_schema(question.answer)}
                },
            )
            return self._read(message, question)
        except library.APITimeoutError:
            raise TimeoutError from None
        except library.APIStatusError as error:
            busy = error.status_code in (429, 503, 529)
            _log.warning("claude_failed", status=error.status_code)
            return Unanswered(
                failure="overloaded" if busy else "unavailable",
                detail=f"Claude's API answered {error.status_code}",
            )
        except library.APIConnectionError:
            return Unanswered(failure="unavailable", detail="Claude's API cannot be reached")
        except (library.AnthropicError, AttributeError, TypeError, ValueError):
            return Unanswered(failure="malformed", detail="Claude's API did not answer with a message")

    async def _opened(self) -> "anthropic.AsyncAnthropic":
        async with self._opening:
            if self._client is None:
                await asyncio.to_thread(_library)
                self._client = _library().AsyncAnthropic(
                    api_key=self._api_key,
                    base_url=self._base_url,
                    timeout=self._seconds,
                    max_retries=RETRIES,
                    open_telemetry=False,
                )
            return self._client

    def _read(self, message: "anthropic.types.Message", question: Question) -> Answered | Unanswered:
        cost = self._cost(message.usage)
        if message.stop_reason == "refusal":
            return Unanswered(failure="refused", detail="Claude declined to answer", cost=cost)
        if message.stop_reason != "end_turn":
            return Unanswered(failure="malformed", detail="Claude's answer was cut off", cost=cost)
        text = "".join(block.text for block in message.content if block.type == "text")
        try:
            return Answered(answer=question.answer.model_validate_json(text), cost=cost)
        except ValidationError:
            return Unanswered(
                failure="malformed", detail="Claude's answer has not the shape that was asked for", cost=cost
            )

    def _cost(self, usage: "anthropic.types.Usage") -> Cost:
        read = (
            usage.input_tokens
            + (usage.cache_read_input_tokens or 0)
            + (usage.cache_creation_input_tokens or 0)
        )
        price = PRICES.get(re.sub(r"-20\d{6}$", "", self.model))
        return Cost(
            input_tokens=read,
            output_tokens=usage.output_tokens,
            millionths=None if price is None else read * price[0] + usage.output_tokens * price[1],
        )


def _library() -> Any:
    return importlib.import_module("anthropic")
