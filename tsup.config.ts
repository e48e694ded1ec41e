import { defineConfig, type Options } from "tsup";

const common: Options = {
  target: "es2022",
  platform: "neutral",
  // The entries share one tape and one memory: what they have in common is emitted once.
  splitting: true,
  sourcemap: true,
  // Half of the time to the first gradient is parsing. Names stay: errors say what they were given.
  esbuildOptions(options) {
    options.minifyWhitespace = true;
    options.minifySyntax = true;
  },
  // The package has no dependencies: the loader is bundled.
  noExternal: ["@assemblyscript/loader"],
  // Left for the bundler of the isolate: relative to dist, where all files lie side by side.
  external: [/\.wasm(\?module)?$/],
};

/** Reached by the checks alone. As an entry it gets a chunk of its own, which others leave out. */
const double = "src/generated/double/run.ts";

const entry = {
  index: "src/index.ts",
  nn: "src/nn/index.ts",
  optim: "src/optim/index.ts",
  data: "src/data/index.ts",
  io: "src/io/index.ts",
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
      double,
    },
    dts: {
      entry,
      // For Symbol.dispose, whatever `lib` the importing project has.
      banner: '/// <reference lib="esnext.disposable" />',
      compilerOptions: { ignoreDeprecations: "6.0" },
    },
    format: ["esm"],
  },
  // For tools that know neither `module-sync` nor ES modules; its types are copies of the others.
  {
    ...common,
    entry: { ...entry, double },
    format: ["cjs"],
    sourcemap: false,
    // Not minified: the translator from ES modules takes `if(super(…),…)` and `return(a??b)` apart.
    esbuildOptions: () => undefined,
  },
]);
