/** Every case computed by PyTorch, in every build. */
import { describe, expect, test } from "vitest";
import { builds, check, goldenFiles, unsupported } from "./golden/adapter.js";
import { loadGolden, ownCases } from "./golden/case.js";

describe.each(builds)("PyTorch's cases in $name", (build) => {
  for (const file of goldenFiles(ownCases))
    for (const golden of loadGolden(file)) {
      const reason = unsupported(golden);
      if (reason) test.skip(`${file}: ${golden.name}: ${reason}`, () => undefined);
      else test(`${file}: ${golden.name}`, () => expect(check(golden, build)).toEqual([]));
    }
});
