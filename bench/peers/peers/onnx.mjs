/**
 * onnxruntime-web on its WebAssembly backend, one thread: inference only, so it multiplies matrices
 * and applies functions, and trains nothing. Models are one node, written as the protocol buffers
 * that ONNX files are.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as ort from "onnxruntime-web";
import { probe } from "../workloads.mjs";

const FLOAT = 1;

/** Protocol buffers' variable-length integer: seven bits a byte, lowest first. */
function varint(value) {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}
const integer = (field, value) => [...varint(8 * field), ...varint(value)];
const message = (field, bytes) => [...varint(8 * field + 2), ...varint(bytes.length), ...bytes];
const text = (field, value) => message(field, [...Buffer.from(value)]);

/** ValueInfoProto: its name (1), its type (2) a tensor (1) of element type (1) and shape (2). */
function valueInfo(name, shape) {
  const dimensions = shape.flatMap((size) => message(1, integer(1, size)));
  const type = message(1, [...integer(1, FLOAT), ...message(2, dimensions)]);
  return [...text(1, name), ...message(2, type)];
}

/** A model whose only node applies `op` to inputs of this shape; result c. */
function modelOf(op, inputs, shape, attributes) {
  const node = [
    ...inputs.flatMap((name) => text(1, name)),
    ...text(2, "c"),
    ...text(4, op),
    // AttributeProto: name (1), integer (3), type (20) integer (2).
    ...Object.entries(attributes).flatMap(([name, value]) =>
      message(5, [...text(1, name), ...integer(3, value), ...integer(20, 2)]),
    ),
  ];
  const graph = [
    ...message(1, node),
    ...text(2, "one"),
    ...inputs.flatMap((name) => message(11, valueInfo(name, shape))),
    ...message(12, valueInfo("c", shape)),
  ];
  // IR version 9; opset 20, the first with Gelu.
  return Uint8Array.from([...integer(1, 9), ...message(7, graph), ...message(8, integer(2, 20))]);
}

const OPERATIONS = {
  AB: ["MatMul", ["a", "b"], {}],
  AtB: ["Gemm", ["a", "b"], { transA: 1 }],
  ABt: ["Gemm", ["a", "b"], { transB: 1 }],
  ...{ add: ["Add", ["a", "b"], {}], exp: ["Exp", ["a"], {}], tanh: ["Tanh", ["a"], {}] },
  ...{ sigmoid: ["Sigmoid", ["a"], {}], gelu: ["Gelu", ["a"], {}] },
};

async function makeOperation({ op, form }, arrays) {
  const [type, inputs, attributes] = OPERATIONS[op ?? form];
  const model = modelOf(type, inputs, arrays.get("a").shape, attributes);
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const feeds = Object.fromEntries(
    inputs.map((name) => {
      const { data, shape } = arrays.get(name);
      return [name, new ort.Tensor("float32", data, shape)];
    }),
  );
  return {
    call: () => session.run(feeds).then(() => {}),
    values: async () => probe((await session.run(feeds)).c.data),
    finish: () => session.release(),
  };
}

export async function load() {
  ort.env.wasm.numThreads = 1;
  const entry = createRequire(import.meta.url).resolve("onnxruntime-web");
  const { version } = JSON.parse(readFileSync(new URL("../package.json", `file://${entry}`)));
  return {
    about: { version, threads: 1 },
    make: (workload, arrays) =>
      ["gemm", "map"].includes(workload.kind)
        ? makeOperation(workload, arrays)
        : { cannot: "inference only" },
  };
}
