// Installs what the runs in other runtimes and the consumers of the package need, from the lock
// files in test/runtimes and test/consumers, into .tools. Browsers come from the system: Debian's
// chromium, firefox-esr, webkit2gtk-driver and xvfb.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";

for (const part of ["runtimes", "consumers"]) {
  const cwd = `.tools/${part}`;
  mkdirSync(cwd, { recursive: true });
  for (const file of ["package.json", "package-lock.json"])
    copyFileSync(`test/${part}/${file}`, `${cwd}/${file}`);
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  execFileSync("npm", args, { cwd, stdio: "inherit" });
}
