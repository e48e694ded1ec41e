/** TypeScript projects that import every entry, each compiled and, where it says so, run. */
import { join } from "node:path";
import { node, project, tool } from "./project.mjs";

const PROGRAM = `import { compile, grad, init, type Tensor, tensor } from "chainrule";
import { accuracy } from "chainrule/data";
import {
  type Circuit,
  circuit,
  type History,
  jacobianShapes,
  type Monitored,
  monitor,
  profile,
  report,
  stages,
} from "chainrule/inspect";
import { saveSafetensors } from "chainrule/io";
import * as nn from "chainrule/nn";
import { Adam } from "chainrule/optim";
import { ts } from "chainrule/pure";
import * as random from "chainrule/random";

random.seed(1);
const model = new nn.Linear(2, 1);
const optimizer = new Adam(model.parameters(), { lr: 0.1 });
const step = compile((x: Tensor) => {
  const loss = model.forward(x).square().mean();
  optimizer.minimize(loss);
  return loss;
});
const loss: number = step(tensor([[1, 2]])).item();
const gradient: Tensor = grad((x: Tensor) => x.square().sum())(tensor([1, 2]));
const drawn: Circuit = circuit((x: Tensor) => x.square().sum(), [tensor([1, 2])], { names: ["x"] });
const watched: Monitored<[x: Tensor], Tensor> = monitor(step, { every: 1 });
watched(tensor([[1, 2]]));
const history: History = watched.history;
const code: string = stages((x: Tensor) => x.mul(x), [2]);
const { mode } = jacobianShapes((x: Tensor) => x.square().sum(), [tensor([1, 2])]);
const table: string = profile(step, [tensor([[1, 2]])], { repeats: 1 }).toText({ by: "op" });
const page: Promise<string> = report({ history, circuit: drawn });
const seen = [drawn.toText(), drawn.steps(), code, mode, table, await page, await drawn.toSvg()];
const bytes: Uint8Array = saveSafetensors(model.stateDict());
init({ backend: ts, dtype: "f64" });
console.log(JSON.stringify([loss > 0, gradient.toArray(), bytes.length > 0, typeof accuracy, seen.length]));
`;

const REQUIRED = `import chainrule = require("chainrule");
import nn = require("chainrule/nn");
const model = new nn.Linear(2, 1);
console.log(JSON.stringify(model.forward(chainrule.tensor([[1, 2]])).shape));
`;

const WORKER = `import module from "chainrule/kernels.wasm";
import { init } from "chainrule";
const kernels: WebAssembly.Module = module;
init({ module: kernels });
`;

/** Neither the DOM nor Node's types: what a worker or a bare project has. */
const BARE = `import { grad, init, type Tensor, tensor } from "chainrule";
import { circuit } from "chainrule/inspect";
import * as nn from "chainrule/nn";
import { SGD } from "chainrule/optim";
import { ts } from "chainrule/pure";
import * as random from "chainrule/random";

random.seed(1);
const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 });
init({ backend: ts });
export const gates: number = circuit((x: Tensor) => x.square(), [2]).gates.length;
export const result: number = grad((x: Tensor) => x.square().sum())(tensor(optimizer.lr)).item();
`;

/** Name, module system, resolution, file, text, library. */
const cases = [
  ["node16", "node16", "node16", "main.mts", PROGRAM],
  ["node16-required", "node16", "node16", "main.cts", REQUIRED],
  ["nodenext", "nodenext", "nodenext", "main.mts", PROGRAM],
  ["bundler", "esnext", "bundler", "main.ts", PROGRAM],
  ["bare", "nodenext", "nodenext", "main.mts", BARE, ["es2023"]],
  ["bundler-module", "esnext", "bundler", "worker.ts", WORKER],
];

/** Compiles a case; the types of the package are checked too. */
function compiled([name, module, moduleResolution, file, text, lib = ["es2023", "dom"]]) {
  const folder = project(`types-${name}`, {
    "package.json": '{ "private": true, "type": "module" }\n',
    [file]: text,
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        module,
        moduleResolution,
        target: "es2022",
        lib,
        types: [],
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        outDir: "out",
      },
      files: [file],
    }),
  });
  node([tool("typescript/bin/tsc"), "-p", folder]);
  if (text !== WORKER) node([join(folder, "out", file.replace(/ts$/, "js"))]);
}

export const types = Object.fromEntries(
  cases.map((each) => [`TypeScript, ${each[0]}`, () => compiled(each)]),
);
