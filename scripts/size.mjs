// What an import costs: bundled and minified by esbuild, then compressed; without what is loaded
// later, by import(). Prints the table of the README; fails when a ceiling is passed. The kernels are
// in the JavaScript, as text.
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const from = (entry) => JSON.stringify(`./dist/${entry}.js`);
const all = (entry) => `export * from ${from(entry)};`;
const parts = ["nn", "optim", "data", "io", "random"];
const named = parts.map((entry) => `export * as ${entry} from ${from(entry)};`).join("\n");

const NETWORK = `import { compile, tensor } from ${from("index")};
import * as nn from ${from("nn")};
import { SGD } from ${from("optim")};
const model = new nn.Sequential(new nn.Linear(2, 8), new nn.BatchNorm1d(8), new nn.Linear(8, 2));
const optimizer = new SGD(model.parameters(), { lr: 0.1 });
export const step = compile((x, labels) => {
  const loss = nn.crossEntropy(model.forward(x), labels);
  optimizer.minimize(loss);
  return loss;
});
export { tensor };`;

/** Without gradCheck and compare, which compute in f64 and so bring half of the TypeScript build. */
const unchecked = async () => {
  const names = Object.keys(await import("chainrule"));
  const kept = names.filter((name) => !["gradCheck", "compare"].includes(name));
  return `export { ${kept.join(", ")} } from ${from("index")};`;
};

/** What, the source, the most kB of gzip. */
const cases = [
  ["a network: Linear, BatchNorm1d, crossEntropy, SGD", NETWORK, 79],
  ["`chainrule`", all("index"), 101],
  ...parts.map((entry, index) => [
    `\`chainrule/${entry}\` by itself, without a backend`,
    all(entry),
    [46, 37, 35, 3, 30][index],
  ]),
  ["all of these", `${all("index")}\n${named}`, 129],
  ["all of these but `gradCheck` and `compare`", `${await unchecked()}\n${named}`, 112],
  ["`chainrule/pure`", all("pure"), 84],
];

const kB = (bytes) => (bytes / 1000).toFixed(1).padStart(6);

/** The files that are loaded at once, of the bundle of a source. */
async function bundle(contents) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: ".", sourcefile: "entry.js" },
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    outdir: "out",
    format: "esm",
    logLevel: "error",
  });
  const paths = new Set(["out/stdin.js"]);
  for (const path of paths)
    for (const { path: imported, kind } of metafile.outputs[path].imports)
      if (kind === "import-statement") paths.add(imported);
  const bytesOf = (path) => outputFiles.find((file) => file.path.endsWith(path)).contents;
  return [...paths].map(bytesOf);
}

let passed = true;
console.log("| import | minified, kB | gzip | brotli | gzip, at most |");
console.log("|---|---|---|---|---|");
for (const [name, contents, ceiling] of cases) {
  const files = await bundle(contents);
  const total = (size) => files.reduce((sum, bytes) => sum + size(bytes), 0);
  const gzip = total((bytes) => gzipSync(bytes, { level: 9 }).length);
  const sizes = [total(({ length }) => length), gzip, total((b) => brotliCompressSync(b).length)];
  passed &&= gzip <= 1000 * ceiling;
  const numbers = sizes.map(kB).join(" | ");
  console.log(`| ${name} | ${numbers} | ${ceiling}${gzip > 1000 * ceiling ? " ✗" : ""} |`);
}
process.exitCode = passed ? 0 : 1;
