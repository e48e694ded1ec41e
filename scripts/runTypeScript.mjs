// Runs `main(args)` of a TypeScript module of this repository and exits with what it returns.
import { runnerImport } from "vite";

const [file, ...args] = process.argv.slice(2);
const { module } = await runnerImport(`./${file}`, { configFile: false, logLevel: "error" });
process.exitCode = await module.main(args);
