// In a page and in a worker of its own, one after the other, each build asked for in the address.
const [build, place] = location.hash.slice(1).split("/");

async function here() {
  const { run } = await import(`./${build}.mjs`);
  return run();
}

function inWorker() {
  return new Promise((resolve, reject) => {
    const worker = new Worker(`./worker.mjs#${build}`, { type: "module" });
    worker.onmessage = ({ data }) => ("error" in data ? reject(data.error) : resolve(data.report));
    worker.onerror = (event) => reject(event.message ?? "the worker did not start");
  });
}

(place === "worker" ? inWorker() : here()).then(
  (report) => {
    globalThis.RESULT = JSON.stringify({
      report,
      isolated: globalThis.crossOriginIsolated === true,
    });
  },
  (error) => {
    globalThis.RESULT = JSON.stringify({
      isolated: globalThis.crossOriginIsolated === true,
      error: String(error?.message ?? error),
    });
  },
);
