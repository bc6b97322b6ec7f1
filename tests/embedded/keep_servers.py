"""Run by the tests as a process of its own: starts both servers on a folder, says so, and keeps them until it is ended."""

import asyncio
import json
import signal
import sys
from pathlib import Path

from server.embedded import EmbeddedServerError, embedded_postgres, embedded_valkey


async def main() -> None:
    folder = Path(sys.argv[1])
    async with embedded_postgres(folder) as postgres, embedded_valkey(folder) as valkey:
        print(json.dumps({"postgres": postgres, "valkey": valkey}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    # Whoever runs the tests in the background of a shell has them, and so this, ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except EmbeddedServerError as error:
        sys.exit(str(error))
