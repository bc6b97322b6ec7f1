"""The embedded Valkey within one process."""

import os
import signal
from pathlib import Path

import pytest
import redis.asyncio
import redis.exceptions

from server.embedded import EmbeddedServerError, EmbeddedValkey, embedded_valkey
from tests.embedded.conftest import Running


async def test_messages_pass_and_nothing_runs_afterwards(data_dir: Path, running: Running) -> None:
    async with embedded_valkey(data_dir) as url:
        assert await pings(url)
        assert running()
    assert running() == []


async def test_p3_server_that_died_starts_again_under_the_same_url(data_dir: Path) -> None:
    server = EmbeddedValkey(data_dir)
    await server.start()
    before = server.url
    os.kill(server.pid, signal.SIGKILL)
    await server.stop()
    await server.start()
    assert server.url == before
    assert await pings(before)
    await server.stop()
    await server.stop()


async def test_password_is_asked_for_and_not_on_the_command_line(data_dir: Path, running: Running) -> None:
    async with embedded_valkey(data_dir) as url:
        secret, _, address = url.removeprefix("redis://:").partition("@")
        with pytest.raises(redis.exceptions.AuthenticationError):
            await pings(f"redis://{address}")
        assert not [command for command in running() if secret in command]


async def test_nothing_is_kept_on_disk(data_dir: Path) -> None:
    async with embedded_valkey(data_dir) as url, redis.asyncio.from_url(url) as client:
        await client.set("name", "value")
    assert sorted(file.name for file in (data_dir / "valkey").iterdir()) == ["lock", "log"]


async def test_second_server_on_one_folder_is_refused(data_dir: Path) -> None:
    async with embedded_valkey(data_dir):
        with pytest.raises(EmbeddedServerError, match="in use by another baygrid"):
            await EmbeddedValkey(data_dir).start()


async def pings(url: str) -> bool:
    async with redis.asyncio.from_url(url) as client:
        return bool(await client.ping())
