// Unpacks what the npm package @sparticuz/chromium carries, into the working folder: the browser, and archives beside it.
import { createReadStream, createWriteStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const packed = "node_modules/@sparticuz/chromium/bin";
for (const name of await readdir(packed)) {
  await pipeline(
    createReadStream(`${packed}/${name}`),
    createBrotliDecompress(),
    createWriteStream(name.replace(/\.br$/, ""), { mode: 0o755 }),
  );
}
