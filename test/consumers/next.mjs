/** A Next.js application with the suite in an edge route, built, started and asked over HTTP. */
import { spawn } from "node:child_process";
import { answerOf } from "../runtimes/tools.mjs";
import { copySuite, node, project, tool } from "./project.mjs";

const PORT = 4788;

export async function next() {
  const folder = project("next", {
    "package.json": '{ "private": true }\n',
    "next.config.mjs": "export default {};\n",
    "app/layout.js": "export default ({ children }) => <html><body>{children}</body></html>;\n",
    "app/page.js": "export default () => <p>chainrule</p>;\n",
    "app/suite/route.js":
      'import { run } from "../../wasm.mjs";\n' +
      'export const runtime = "edge";\n' +
      'export const dynamic = "force-dynamic";\n' +
      "export const GET = () => Response.json(run());\n",
  });
  copySuite(folder);
  const command = tool("next/dist/bin/next");
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
  node([command, "build"], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const args = [command, "start", "--port", String(PORT), "--hostname", "127.0.0.1"];
  const server = spawn(process.execPath, args, { cwd: folder, env, stdio: "ignore" });
  try {
    const ask = () => fetch(`http://127.0.0.1:${PORT}/suite`).catch(() => undefined);
    const response = await answerOf(ask);
    if (!response.ok) throw new Error(`the edge route answered ${response.status}`);
    return await response.json();
  } finally {
    server.kill();
  }
}
