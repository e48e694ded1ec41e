/** The Worker of this folder on this machine: `node examples/edge/serve.mjs [--port 8787]`. */
import { parseArgs } from "node:util";
import { serve } from "./workerd.mjs";

const { values } = parseArgs({ options: { port: { type: "string", default: "8787" } } });
const { url, stop, ended } = await serve({ port: values.port });
console.log(`Each person's model is a file in build/edge/models. Try

    curl ${url}/users/ann -d '{ "category": "music" }'
    curl ${url}/users/ann
    curl ${url}/users/ann -X DELETE

Ctrl-C ends it.`);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);
await ended;
