/**
 * Runs a golden suite: `npm run golden -- DIR`, by default this repository's own. Prints passed,
 * failed and unsupported per file; exits with 1 unless every case passed in every build.
 */
import { pathToFileURL } from "node:url";
import { builds, check, goldenFiles, unsupported } from "./adapter.js";
import { type GoldenCase, loadGolden, ownCases } from "./case.js";

interface Tally {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly unsupported: readonly string[];
}

/** What one case has to say: its failures over all builds. */
function failures(golden: GoldenCase): string[] {
  return builds.flatMap((build) => {
    try {
      return check(golden, build).map((wrong) => `${golden.name} (${build.name}): ${wrong}`);
    } catch (error) {
      return [`${golden.name} (${build.name}): threw ${error}`];
    }
  });
}

function runFile(file: string, folder: URL): Tally {
  const tally = { passed: 0, failed: [] as string[], unsupported: [] as string[] };
  for (const golden of loadGolden(file, folder)) {
    const reason = unsupported(golden);
    if (reason) {
      tally.unsupported.push(`${golden.name}: ${reason}`);
      continue;
    }
    const wrong = failures(golden);
    if (wrong.length === 0) tally.passed++;
    else tally.failed.push(wrong.join("\n    "));
  }
  return tally;
}

export function main(args: readonly string[]): number {
  const folder = args[0] ? pathToFileURL(`${args[0]}/`) : ownCases;
  let clean = true;
  for (const file of goldenFiles(folder)) {
    const { passed, failed, unsupported: left } = runFile(file, folder);
    console.log(
      `${file.padEnd(16)} ${passed} passed, ${failed.length} failed, ${left.length} unsupported`,
    );
    for (const line of failed) console.log(`    ${line}`);
    for (const line of left) console.log(`    ${line}`);
    clean &&= failed.length === 0 && left.length === 0;
  }
  console.log(clean ? "all passed" : "not all passed");
  return clean ? 0 : 1;
}
