/** The committed page of the proof says what a fresh one says: names and verdicts, not digits. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as chainrule from "../src/index.js";
import * as nn from "../src/nn/index.js";
import { ops, proof, sweeps, sweepTable, table, verdicts } from "./proof/proof.js";

/** Public functions that are no ops of one's own: they make, run, differentiate or describe. */
const notOps = [
  ...["arange", "assign", "cast", "checkpoint", "compare", "compile", "createWasmBackend"],
  ...[
    "customGrad",
    "derivative",
    "eye",
    "full",
    "grad",
    "gradCheck",
    "gradients",
    "hessian",
    "hvp",
  ],
  ...["init", "jacobian", "jvp", "ones", "parameter", "stopGradient", "tensor", "train"],
  ...[
    "valueAndGrad",
    "vjp",
    "vmap",
    "zeros",
    "batchNormEval",
    "batchNormTrain",
    "scaledDotProductAttention",
  ],
  "maxPool2dWithIndices",
  // Without a derivative, and tested by value: test/logic.test.ts, test/indexing.test.ts.
  ...["eq", "ne", "lt", "le", "gt", "ge", "logicalAnd", "logicalOr", "logicalNot", "oneHot"],
];

test("every public op has a line", () => {
  const functionsOf = (module: object): string[] =>
    Object.entries(module).flatMap(([name, value]) =>
      typeof value === "function" && /^[a-z]/.test(name) ? [name] : [],
    );
  const all = new Set([...functionsOf(chainrule), ...functionsOf(nn)]);
  expect([...all].filter((name) => !ops.includes(name) && !notOps.includes(name))).toEqual([]);
});

test("docs/ops.md is what the proof finds, and everything is proved", () => {
  const functions = sweepTable([...sweeps({ stride: 200_003, window: 50 })]);
  const fresh = verdicts(`${table([...proof()])}\n${functions}`);
  expect(fresh.filter((line) => !line.endsWith("proved |"))).toEqual([]);
  const page = readFileSync(new URL("../docs/ops.md", import.meta.url), "utf8");
  expect(verdicts(page)).toEqual(fresh);
});
