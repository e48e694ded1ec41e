import { defineConfig } from "tsup";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    nn: "src/nn/index.ts",
    optim: "src/optim/index.ts",
    data: "src/data/index.ts",
    io: "src/io/index.ts",
    random: "src/random.ts",
    pure: "src/pure.ts",
  },
  format: ["esm"],
  target: "es2022",
  platform: "neutral",
  // The entries share one tape and one memory: what they have in common is emitted once.
  splitting: true,
  sourcemap: true,
  clean: true,
  // The package has no dependencies: the loader is bundled.
  noExternal: ["@assemblyscript/loader"],
  dts: {
    // For Symbol.dispose, whatever `lib` the importing project has.
    banner: '/// <reference lib="esnext.disposable" />',
    compilerOptions: { ignoreDeprecations: "6.0" },
  },
});
