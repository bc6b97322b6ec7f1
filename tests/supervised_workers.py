"""Run by the tests of the supervisor as a process of its own: two workers that tell who they are."""

import asyncio
import functools
import os
import signal
import socket
import sys

from server.supervisor import bind, run_workers


def worker(number: int, listening: socket.socket) -> None:
    asyncio.run(serve(number, listening))


async def serve(number: int, listening: socket.socket) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    answering: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        answering.add(task)
        task.add_done_callback(answering.discard)
        match await reader.readline():
            case b"slow\n":
                writer.write(b"begun\n")
                await stopping.wait()
            case b"deaf\n":
                loop.remove_signal_handler(signal.SIGTERM)
                loop.add_signal_handler(signal.SIGTERM, functools.partial(print, "heard", flush=True))
            case _:
                pass
        writer.write(f"{number} {os.getpid()}\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, sock=listening)
    await stopping.wait()
    server.close()
    await asyncio.gather(*answering)


async def main() -> None:
    listening = bind("127.0.0.1", 0)
    print(listening.getsockname()[1], flush=True)
    await run_workers(2, worker, listening, drain_seconds=float(sys.argv[1]))


if __name__ == "__main__":
    asyncio.run(main())
