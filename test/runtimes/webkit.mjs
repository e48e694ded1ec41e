/** WebKit, by Debian's webkit2gtk-driver on a screen that Xvfb makes. */
import { execFileSync, spawn } from "node:child_process";
import { outcome, pages, served } from "./site.mjs";
import { answerOf, onPath } from "./tools.mjs";

const DISPLAY = ":77";
const PORT = 4777;

async function command(method, path, body) {
  const response = await fetch(`http://127.0.0.1:${PORT}${path}`, {
    method,
    body: body && JSON.stringify(body),
  });
  const { value } = await response.json();
  if (!response.ok) throw new Error(`webkit: ${path} failed: ${JSON.stringify(value)}`);
  return value;
}

/** The browser that the driver starts is part of the library's package. */
function miniBrowser() {
  const files = execFileSync("dpkg", ["-L", "libwebkit2gtk-4.1-0"], { encoding: "utf8" });
  return files.split("\n").find((file) => file.endsWith("/MiniBrowser"));
}

async function* withDriver(driver, use) {
  const quiet = { stdio: "ignore" };
  const screen = spawn("Xvfb", [DISPLAY, "-screen", "0", "800x600x24"], quiet);
  const process_ = spawn(driver, [`--port=${PORT}`, "--host=127.0.0.1"], {
    ...quiet,
    env: {
      ...process.env,
      DISPLAY,
      GDK_BACKEND: "x11",
      LIBGL_ALWAYS_SOFTWARE: "1",
      WEBKIT_DISABLE_COMPOSITING_MODE: "1",
      WEBKIT_DISABLE_DMABUF_RENDERER: "1",
    },
  });
  try {
    await answerOf(() => command("GET", "/status").catch(() => undefined));
    yield* use();
  } finally {
    process_.kill();
    screen.kill();
  }
}

export const webkit = {
  name: "webkit",
  find: () => (onPath("Xvfb") ? onPath("WebKitWebDriver") : undefined),
  run: (driver) =>
    withDriver(driver, async function* () {
      const options = { binary: miniBrowser(), args: ["--automation"] };
      const { sessionId } = await command("POST", "/session", {
        capabilities: { alwaysMatch: { "webkitgtk:browserOptions": options } },
      });
      const session = `/session/${sessionId}`;
      try {
        yield* served(async function* (origin) {
          for (const page of pages({ shared: false })) {
            await command("POST", `${session}/url`, { url: "about:blank" });
            await command("POST", `${session}/url`, { url: origin + page.path });
            const script = { script: "return globalThis.RESULT ?? null", args: [] };
            const text = await answerOf(() => command("POST", `${session}/execute/sync`, script));
            yield outcome(page, text);
          }
        });
      } finally {
        await command("DELETE", session);
      }
    }),
};
