// Bundles the scripts and styles of the pages that `chainrule/inspect` writes, with the libraries
// they need, into a TypeScript module of strings: a page is one file that loads nothing.
import { mkdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

async function bundled(entry, options = {}) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    charset: "utf8",
    legalComments: "inline",
    target: "es2022",
    logLevel: "error",
    ...options,
  });
  return outputFiles[0].text.trim();
}

// No tag may end inside of a script.
const script = async (entry) =>
  (await bundled(entry, { format: "iife" })).replaceAll("</script", "<\\/script");

const [draw, report] = ["src/inspect/draw/client", "src/inspect/report/client"];
const parts = {
  circuitScript: await script(`${draw}/page.ts`),
  circuitStyle: await bundled(`${draw}/page.css`),
  reportScript: await script(`${report}/page.ts`),
  reportStyle: await bundled(`${report}/page.css`),
};
mkdirSync("src/generated", { recursive: true });
writeFileSync(
  "src/generated/pages.ts",
  Object.entries(parts)
    .map(([name, text]) => `export const ${name} = ${JSON.stringify(text)};\n`)
    .join(""),
);
