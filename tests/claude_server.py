"""A server on a real socket that speaks as much of Anthropic's Messages API as Baygrid asks of it.

Belongs here: HTTP, and the shapes of messages and errors. Does not belong here: what an answer says; each test scripts that.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Reply: TypeAlias = tuple[int, dict[str, Any] | bytes]
"""Status and body."""
Script: TypeAlias = Callable[[dict[str, Any]], Reply | Awaitable[Reply]]
"""From a request's body to the reply."""


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.raw))

    @property
    def given(self) -> dict[str, Any]:
        """What Claude was given to look at."""
        [message] = self.body["messages"]
        return dict(json.loads(message["content"]))


@dataclass
class ClaudeServer:
    """What it was asked, and how it answers: by ``script``, which a test sets."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    script: Script = field(default=lambda _: error(500, "api_error"))

    def answers(self, answer: dict[str, Any], **message: Any) -> None:
        """From now on it answers with this, as JSON in a message."""
        self.script = lambda _: said(json.dumps(answer), **message)


def said(text: str, **message: Any) -> Reply:
    """A message of text."""
    return 200, {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1000, "output_tokens": 200},
    } | message


def error(status: int, kind: str) -> Reply:
    """An error of the API."""
    return status, {"type": "error", "error": {"type": kind, "message": "x"}, "request_id": "req_1"}


@asynccontextmanager
async def claude_server() -> AsyncIterator[ClaudeServer]:
    """The server, listening on a free port of this machine."""
    claude = ClaudeServer()

    open_: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.add(writer)
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) != b"":
                first, *lines = head.decode("latin-1").strip().split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
                }
                raw = await reader.readexactly(int(headers.get("content-length", "0")))
                method, path, _ = first.split(" ")
                claude.asked.append(Asked(method, path, headers, raw))
                reply = claude.script(json.loads(raw))
                status, body = await reply if isinstance(reply, Awaitable) else reply
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                writer.write(
                    f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nretry-after-ms: 1\r\n"
                    f"content-length: {len(content)}\r\n\r\n".encode()
                    + content
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            open_.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    claude.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield claude
        for writer in list(open_):
            writer.close()
