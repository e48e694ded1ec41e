import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { transform } from "esbuild";
import { defineConfig, type Options } from "tsup";

/**
 * What several entries reach is a chunk for each set of them, and a file more is half a millisecond
 * of the first import. Entries that are used with `chainrule` reach all that it has in common with
 * any of them, so that it is one chunk; bundlers still leave out what is not used.
 */
const withCore = /[\\/]src[\\/]((nn|optim|data|inspect)[\\/]index|random|pure)\.ts$/;

/** Classes keep their names where identifiers are short: messages and the console show them. */
const named = (text: string): string =>
  text.replace(/^(?:export )?(?:abstract )?class (\w+)[^{]*\{/gm, '$&static name = "$1";');

const sources: NonNullable<Options["esbuildPlugins"]>[number] = {
  name: "sources",
  setup(build) {
    const core = `\nimport ${JSON.stringify(resolve("src/core.ts"))};\n`;
    build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path, suffix }) => ({
      contents: named(readFileSync(path, "utf8")) + (withCore.test(path) ? core : ""),
      loader: "ts",
      pluginData: suffix.slice(1),
    }));
  },
};

/** What only the entries with WebAssembly reach, and of which each has its own. */
const apart = /[\\/]src[\\/](wasm[\\/]\w+|generated[\\/]kernelId)\.ts$|[\\/]loader[\\/]index\.js$/;
const entryApart = /[\\/]src[\\/]index(\.\w+)\.ts$/;
/** Constants, of which nothing is left once they are where they are used. */
const constants = /[\\/](assembly[\\/]opcodes|src[\\/]plan[\\/]blocks)\.ts$/;
const RESOLVED = "resolved";

/** Files less to load, as above: to esbuild, what follows a path makes it another module. */
const copies: NonNullable<Options["esbuildPlugins"]>[number] = {
  name: "copies",
  setup(build) {
    build.onResolve({ filter: /^\.|loader$/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === RESOLVED) return undefined;
      const entry = pluginData || entryApart.exec(from.importer)?.[1];
      const found = await build.resolve(path, { ...from, pluginData: RESOLVED });
      const copy = constants.test(found.path) ? from.importer : apart.test(found.path) && entry;
      return copy ? { ...found, suffix: `?${copy}`, pluginData: entry } : undefined;
    });
  },
};

/** Node shows the line that threw above an error that nobody caught. */
const LINE = 160;

/** Each file of the ES modules by itself, so that they share what they shared. */
const commonJs: NonNullable<Options["plugins"]>[number] = {
  name: "commonJs",
  renderChunk: (code) =>
    transform(code, {
      format: "cjs",
      minify: true,
      lineLimit: LINE,
      supported: { "dynamic-import": false },
    }),
};

const common: Options = {
  target: "es2022",
  platform: "neutral",
  // The entries share one tape and one memory: what they have in common is emitted once.
  splitting: true,
  sourcemap: true,
  // Half of the time to the first gradient is parsing.
  minify: true,
  esbuildOptions: (options) => {
    options.lineLimit = LINE;
  },
  esbuildPlugins: [copies, sources],
  // The package has no dependencies: the loader is bundled.
  noExternal: ["@assemblyscript/loader"],
  // Left for the bundler of the isolate: relative to dist, where all files lie side by side.
  external: [/\.wasm(\?module)?$/],
};

/** Functions of bytes, used by themselves too: they have their own copy of the few that others use. */
const io = "src/io/index.ts";

const entry = {
  index: "src/index.ts",
  nn: "src/nn/index.ts",
  optim: "src/optim/index.ts",
  data: "src/data/index.ts",
  random: "src/random.ts",
  inspect: "src/inspect/index.ts",
  pure: "src/pure.ts",
};

export default defineConfig([
  {
    ...common,
    entry: {
      ...entry,
      "index.workerd": "src/index.workerd.ts",
      "index.edgeLight": "src/index.edgeLight.ts",
    },
    dts: {
      entry: { ...entry, io },
      // For Symbol.dispose, whatever `lib` the importing project has.
      banner: '/// <reference lib="esnext.disposable" />',
      compilerOptions: { ignoreDeprecations: "6.0" },
    },
    format: ["esm"],
  },
  { ...common, entry: { io }, format: ["esm"] },
  // For tools that know neither `module-sync` nor ES modules; its types are copies of the others.
  {
    ...common,
    entry: { ...entry, io },
    format: ["esm"],
    outExtension: () => ({ js: ".cjs" }),
    plugins: [commonJs],
    sourcemap: false,
  },
]);
