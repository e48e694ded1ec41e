// What an import costs: bundled and minified by esbuild, then compressed. Prints the table of the
// README; fails when a ceiling is passed. The kernels are in the JavaScript, as text.
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
  ["a network: Linear, BatchNorm1d, crossEntropy, SGD", NETWORK, 95],
  ["`chainrule`", all("index"), 116],
  ...parts.map((entry, index) => [
    `\`chainrule/${entry}\` by itself, without a backend`,
    all(entry),
    [49, 41, 39, 3, 34][index],
  ]),
  ["all of these", `${all("index")}\n${named}`, 142],
  ["all of these but `gradCheck` and `compare`", `${await unchecked()}\n${named}`, 126],
  ["`chainrule/pure`", all("pure"), 87],
];

const kB = (bytes) => (bytes / 1000).toFixed(1).padStart(6);

let passed = true;
console.log("| import | minified, kB | gzip | brotli | gzip, at most |");
console.log("|---|---|---|---|---|");
for (const [name, contents, ceiling] of cases) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: "." },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    logLevel: "error",
  });
  const [{ contents: bytes }] = outputFiles;
  const gzip = gzipSync(bytes, { level: 9 }).length;
  const brotli = brotliCompressSync(bytes).length;
  passed &&= gzip <= 1000 * ceiling;
  const numbers = [bytes.length, gzip, brotli].map(kB).join(" | ");
  console.log(`| ${name} | ${numbers} | ${ceiling}${gzip > 1000 * ceiling ? " ✗" : ""} |`);
}
process.exitCode = passed ? 0 : 1;
