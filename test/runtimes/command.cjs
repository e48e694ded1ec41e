// The package by `require`, which has to be the same one as by `import`.
const core = require("chainrule");
const part = (name) => require(`chainrule/${name}`);

(async () => {
  const { conformance } = await import("./conformance.mjs");
  const imported = await import("chainrule");
  if (imported.Tensor !== core.Tensor) throw new Error("require and import gave two libraries");
  const [data, inspect, io, nn] = ["data", "inspect", "io", "nn"].map(part);
  const [optim, random] = ["optim", "random"].map(part);
  console.log(JSON.stringify(conformance({ core, data, inspect, io, nn, optim, random })));
})();
