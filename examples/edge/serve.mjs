/** The Worker of this folder on this machine: `node examples/edge/serve.mjs [--port 8787]`. */
import { parseArgs } from "node:util";
import { serve } from "./workerd.mjs";

async function main() {
  const { values } = parseArgs({ options: { port: { type: "string", default: "8787" } } });
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65535)
    throw new RangeError(`bad --port: got ${values.port}, expected an integer from 0 to 65535`);
  const { url, stop, ended } = await serve({ port });
  console.log(`Each person's model is a file in build/edge/models. Try

    curl ${url}/users/ann -d '{ "category": "music" }'
    curl ${url}/users/ann
    curl ${url}/users/ann -X DELETE

Ctrl-C ends it.`);
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);
  await ended;
}

try {
  await main();
} catch (error) {
  console.error(`edge: ${error.message}`);
  process.exitCode = 1;
}
