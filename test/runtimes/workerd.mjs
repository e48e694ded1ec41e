import { run } from "./wasm.mjs";

export default {
  async test() {
    console.log(JSON.stringify(run()));
  },
};
