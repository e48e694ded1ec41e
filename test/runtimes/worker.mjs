try {
  const { run } = await import(`./${location.hash.slice(1)}.mjs`);
  postMessage({ report: await run() });
} catch (error) {
  postMessage({ error: String(error?.message ?? error) });
}
