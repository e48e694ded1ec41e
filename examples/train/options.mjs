/** The command line: options, their defaults and their checks. */
import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { Problem } from "./problem.mjs";

const DIGITS = fileURLToPath(new URL("../data/digits", import.meta.url));

/**
 * @typedef {object} Options
 * @property {string} data folder of the four IDX files
 * @property {boolean} bundled whether that is the digits that come with the package
 * @property {readonly number[]} layers hidden widths
 * @property {number} epochs
 * @property {number} batch
 * @property {number} lr of the first step; it falls linearly to 0 over the run
 * @property {number} seed decides initial weights and the order of batches
 * @property {"wasm" | "ts" | undefined} backend
 * @property {boolean} compare whether the same is trained again in pure TypeScript
 * @property {string | undefined} report the file of the page; undefined for none
 * @property {boolean} json
 */

/**
 * Reads the arguments, as in `process.argv`; --help and --version end the process.
 *
 * @returns {Options}
 */
export function parseOptions(argv) {
  const about = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const command = new Command("train")
    .description("Train a fully connected network with batch norm and ReLU on images in IDX files.")
    .addOption(
      new Option("--data <folder>", "folder with MNIST's four files, gzipped or not")
        .argParser(folder)
        .default(DIGITS, "8x8 digits"),
    )
    .addOption(
      new Option("--layers <widths>", "hidden widths")
        .argParser(widths)
        .default([100, 50], "100,50"),
    )
    .option("--epochs <count>", "passes over the training set", integerFrom("--epochs", 1), 18)
    .option("--batch <size>", "examples per step", integerFrom("--batch", 2), 64)
    .option("--lr <rate>", "Adam's learning rate; falls linearly to 0", rate, 0.004)
    .option("--seed <number>", "for weights and order of batches", integerFrom("--seed", 0), 1)
    .option("--backend <name>", "run only one build: wasm or ts", backend)
    .option("--compare", "run both builds (default for the 8x8 digits)")
    .option("--report <file>", "page of the run (default: build/digits.html, or as the data)")
    .option("--no-report", "no page")
    .option("--json", "one JSON object on stdout, progress on stderr")
    .version(JSON.parse(about).version)
    .configureOutput({
      outputError: (text, write) => write(`${inOneLine(text)}; see --help\n`),
    })
    .parse(argv);
  const options = command.opts();
  if (options.backend && options.compare)
    throw new Problem(
      `--compare runs both builds: got --backend ${options.backend}, expected no --backend`,
    );
  const bundled = resolve(options.data) === DIGITS;
  return {
    ...options,
    bundled,
    compare: options.backend === undefined && (options.compare ?? bundled),
    report: reportFile(options),
    json: options.json ?? false,
  };
}

/** Commander writes "error: unknown option '--sed'\n(Did you mean --seed?)\n". */
const inOneLine = (text) =>
  text
    .replace(/^error: /, "train: ")
    .trim()
    .replace(/\.$/, "")
    .replaceAll("\n", " ");

/** --no-report makes it false, and neither option true. */
function reportFile({ report, data }) {
  if (report === false) return undefined;
  if (typeof report === "string") return resolve(report);
  return fileURLToPath(new URL(`../../build/${basename(resolve(data))}.html`, import.meta.url));
}

function folder(text) {
  if (text === "") throw new Problem('bad --data: got "", expected a folder');
  return text;
}

function integerFrom(name, least) {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new Problem(`bad ${name}: got ${shown(text)}, expected an integer ≥ ${least}`);
  };
}

function rate(text) {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new Problem(`bad --lr: got ${shown(text)}, expected a number > 0`);
}

function widths(text) {
  const values = text.split(",").map(Number);
  if (
    /^\d+(,\d+)*$/.test(text) &&
    values.every((value) => Number.isSafeInteger(value) && value > 0)
  )
    return values;
  throw new Problem(`bad --layers: got ${shown(text)}, expected integers ≥ 1 as in 128,64`);
}

function backend(text) {
  if (text === "wasm" || text === "ts") return text;
  throw new Problem(`unknown --backend: got ${shown(text)}, expected wasm or ts`);
}

const shown = (text) => (text === "" ? '""' : text);
