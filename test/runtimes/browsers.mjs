/** Debian's Chromium and Firefox: plain files as from a CDN, in pages and in workers. */
import { createRequire } from "node:module";
import { outcome, pages, served } from "./site.mjs";
import { answerOf, inTools, onPath } from "./tools.mjs";

/** Flags that keep it from asking for anything of its own. */
export const CHROMIUM = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const browser = (name, commands, launch) => ({
  name,
  find: () => (inTools("playwright-core/package.json") ? onPath(...commands) : undefined),
  async *run(executablePath) {
    const load = createRequire(inTools("playwright-core/package.json"));
    const started = await launch(load("playwright-core"), executablePath);
    try {
      yield* served(async function* (origin) {
        for (const page of pages({ shared: true })) {
          const tab = await started.newPage();
          await tab.goto(origin + page.path);
          const text = await answerOf(() => tab.evaluate(() => globalThis.RESULT ?? null));
          await tab.close();
          yield outcome(page, text);
        }
      });
    } finally {
      await started.close();
    }
  },
});

export const browsers = [
  browser("chromium", ["chromium", "chromium-browser"], ({ chromium }, executablePath) =>
    chromium.launch({ executablePath, args: CHROMIUM }),
  ),
  // Over WebDriver BiDi, which the browser as distributed speaks.
  browser("firefox", ["firefox-esr", "firefox"], ({ firefox }, executablePath) =>
    firefox.launch({ channel: "moz-firefox", executablePath }),
  ),
];
