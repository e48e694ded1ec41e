/**
 * Shapes in types: what is refused, in the words of the op that would throw, and what checking
 * costs. The types themselves are asserted by types/shapes.ts, which is part of the same program.
 */
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { beforeAll, describe, expect, test } from "vitest";
import * as c from "../src/index.js";
import * as nn from "../src/nn/index.js";

/** Calls with shapes that do not fit. */
const REFUSED = [
  "c.matmul(c.zeros([3, 4]), c.zeros([5, 6]))",
  "c.zeros([3, 4]).matmul(c.zeros([5, 6]))",
  "c.tensor([[1, 2], [3, 4]]).matmul(c.tensor([1, 2, 3]))",
  "c.tensor([1, 2, 3, 4, 5, 6], { shape: [2, 3] }).matmul(c.eye(2))",
  "c.matmul(c.ones([2, 3, 4]), c.ones([3, 4, 5]))",
  "c.matmul(c.ones([2, 3, 4]), c.ones([2, 3, 5]))",
  "c.matmul(c.tensor(1), c.ones([2]))",
  "c.matmul(c.ones([2]), c.tensor(1))",
  "c.zeros([3, 4]).matmul(c.parameter(c.zeros([3, 4])))",
  "c.zeros([2, 3]).add(c.zeros([2]))",
  "c.div(c.zeros([4, 1, 3]), c.zeros([5, 2]))",
  "c.zeros([4, 3]).le(c.zeros([2, 1, 3]).sum(1))",
  "c.maximum(c.zeros([2, 3]), c.zeros([3, 3]))",
  "c.logicalAnd(c.zeros([2], { dtype: 'bool' }), c.zeros([3], { dtype: 'bool' }))",
  "c.where(c.zeros([2], { dtype: 'bool' }), c.zeros([2]), c.zeros([3]))",
  "c.reshape(c.zeros([3, 4]), [2, 5])",
  "c.zeros([3, 4]).reshape([-1, 5])",
  "c.zeros([640, 480, 3]).reshape([640, 1441])",
  "c.sum(c.zeros([2, 2]), [0, 3])",
  "c.zeros([2, 3]).mean(-3)",
  "c.tensor(1).max(0)",
  "c.prod(c.zeros([2, 3]), 2, true)",
  "c.concat([c.zeros([3, 4]), c.zeros([3, 4]), c.zeros([3, 5])])",
  "c.concat([c.zeros([3, 4]), c.zeros([4, 4])], -1)",
  "c.concat([c.zeros([3, 4]), c.zeros([4])])",
  "c.concat([c.zeros([3, 4]), c.zeros([3, 4])], 2)",
  "new nn.Linear(4, 8).forward(c.zeros([5, 3]))",
  "new nn.Linear(4, 8).forward(c.zeros([2, 5, 3]))",
  "new nn.Linear(4, 8).forward(c.zeros([3]))",
  "new nn.Sequential(new nn.Linear(3, 8), new nn.ReLU(), new nn.Linear(9, 2)).forward(c.zeros([5, 3]))",
  "new nn.Sequential(new nn.Sequential(new nn.Linear(3, 8)), new nn.Linear(9, 2)).forward(c.zeros([5, 3]))",
] as const;

/** Types that were made out of others while the library and types/shapes.ts were checked. */
const MOST_INSTANTIATIONS = 150_000;

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const refused = path("types/refused.ts");
const shapes = path("types/shapes.ts");
const entries = ["index", "nn/index", "optim/index", "data/index", "io/index", "random", "pure"];

function check(): ts.Program {
  const { config } = ts.readConfigFile(path("../tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, path(".."));
  const source = [
    'import * as c from "../../src/index.js";',
    'import * as nn from "../../src/nn/index.js";',
    ...REFUSED.map((call) => `void ${call};`),
  ].join("\n");
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === refused || fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    name === refused
      ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2022)
      : getSourceFile(name, ...rest);
  const roots = [...entries.map((entry) => path(`../src/${entry}.ts`)), shapes, refused];
  return ts.createProgram(roots, options, host);
}

describe("shapes in types", () => {
  let program: ts.Program;
  /** What the compiler says of each line of `refused`. */
  const said: string[][] = [];
  let elsewhere: readonly ts.Diagnostic[];

  beforeAll(() => {
    program = check();
    const diagnostics = program.getSemanticDiagnostics();
    elsewhere = diagnostics.filter(({ file }) => file?.fileName !== refused);
    for (const { file, start, messageText } of diagnostics)
      if (file?.fileName === refused) {
        const { line } = file.getLineAndCharacterOfPosition(start as number);
        said[line - 2] ??= [];
        said[line - 2]?.push(ts.flattenDiagnosticMessageText(messageText, "\n"));
      }
  }, 300_000);

  test.each(REFUSED.map((call, index) => [call, index] as const))("%s", (call, index) => {
    const run = new Function("c", "nn", `return ${call};`);
    let thrown = "";
    try {
      run(c, nn);
    } catch (error) {
      thrown = (error as RangeError).message;
    }
    expect(said[index]).toHaveLength(1);
    const sentence = /type '"(.*)"'\.$/.exec(said[index]?.[0] ?? "")?.[1] ?? "no sentence";
    // Ops that share a signature leave their name to the editor, which underlines the call.
    expect([thrown, thrown.replace(/^\w+: /, "")]).toContain(sentence);
  });

  test("nothing else is refused", () => {
    expect(elsewhere.map(({ messageText }) => messageText)).toEqual([]);
  });

  test(`at most ${MOST_INSTANTIATIONS} instantiations of types`, () => {
    expect(program.getInstantiationCount()).toBeLessThan(MOST_INSTANTIATIONS);
  });
});
