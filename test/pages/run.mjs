/**
 * Opens the pictures and pages of `chainrule/inspect` from files, in the browsers that are named or
 * in all of them, and reads what is to be seen there. What is not installed is listed, and with
 * CI=true it is a failure. Screenshots lie in build/pages.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { CHROMIUM } from "../runtimes/browsers.mjs";
import { inTools, onPath } from "../runtimes/tools.mjs";
import { checks } from "./checks.mjs";
import { PAGES, write } from "./documents.mjs";

const browsers = {
  chromium: {
    commands: ["chromium", "chromium-browser"],
    launch: ({ chromium }, executablePath) => chromium.launch({ executablePath, args: CHROMIUM }),
  },
  firefox: {
    commands: ["firefox-esr", "firefox"],
    // Its tabs take the scheme from the whole browser.
    launch: ({ firefox }, executablePath, scheme) =>
      firefox.launch({
        channel: "moz-firefox",
        executablePath,
        firefoxUserPrefs: {
          "layout.css.prefers-color-scheme.content-override": scheme === "dark" ? 0 : 1,
        },
      }),
  },
};

/** Browsers of one kind by their colour scheme, each started when it is asked for. */
function schemes(start) {
  const started = new Map();
  return {
    async of(scheme) {
      if (!started.has(scheme)) started.set(scheme, await start(scheme));
      return started.get(scheme);
    },
    async close() {
      for (const browser of started.values()) await browser.close();
    },
  };
}

/** A tab with a file in it, and what it asked for and complained of. */
async function opened(browser, file, options = {}) {
  const tab = await browser.newPage({ viewport: { width: 1400, height: 800 }, ...options });
  const address = pathToFileURL(join(PAGES, file)).href;
  const complaints = [];
  tab.on("request", (request) => {
    if (request.url() !== address) complaints.push(`asks for ${request.url()}`);
  });
  tab.on("console", (message) => {
    if (message.type() === "error") complaints.push(`logs ${message.text()}`);
  });
  tab.on("pageerror", (error) => complaints.push(`throws ${error.message}`));
  await tab.goto(address);
  const { colorScheme = "light" } = options;
  const isSo = (scheme) => matchMedia(`(prefers-color-scheme: ${scheme})`).matches;
  if (!(await tab.evaluate(isSo, colorScheme))) complaints.push(`is not ${colorScheme}`);
  return { tab, complaints };
}

async function main(names) {
  const chosen = names.length === 0 ? Object.keys(browsers) : names;
  for (const name of chosen)
    if (!(name in browsers))
      throw new Error(`unknown browser: got ${name}, expected ${Object.keys(browsers)}`);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const tell = (kind, text) => {
    counts[kind]++;
    console.log(`${{ passed: "✓", failed: "✗", skipped: "–" }[kind]} ${text}`);
  };
  await write();
  for (const name of chosen) {
    const { commands, launch } = browsers[name];
    const manifest = inTools("playwright-core/package.json");
    const binary = manifest && onPath(...commands);
    if (!binary) {
      tell(process.env.CI === "true" ? "failed" : "skipped", `${name}: not installed here`);
      continue;
    }
    const playwright = createRequire(manifest)("playwright-core");
    const started = schemes((scheme) => launch(playwright, binary, scheme));
    try {
      for (const { label, file, options, check } of checks) {
        const since = performance.now();
        const browser = await started.of(options?.colorScheme);
        const { tab, complaints } = await opened(browser, file, options);
        try {
          const wrong = await check(tab);
          const picture = `${name}-${label.replaceAll(/\W+/g, "-")}.png`;
          await tab.screenshot({ path: join(PAGES, picture), fullPage: file === "report.html" });
          const all = [...wrong, ...complaints];
          if (all.length > 0) tell("failed", `${name}: ${label}: ${all.join("; ")}`);
          else
            tell(
              "passed",
              `${name}: ${label}, ${((performance.now() - since) / 1000).toFixed(1)} s`,
            );
        } catch (error) {
          tell("failed", `${name}: ${label}: ${error.stack}`);
        } finally {
          await tab.close();
        }
      }
    } finally {
      await started.close();
    }
  }
  console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
