import { readFileSync, writeFileSync } from "node:fs";
import { chart } from "./chart.mjs";
import { markdown, text } from "./table.mjs";

const r = JSON.parse(readFileSync("/tmp/w/p.json", "utf8"));
writeFileSync("/tmp/w/p.svg", await chart(r));
console.log(text(r).slice(0, 1500));
writeFileSync("/tmp/w/p.md", markdown(r, "p.svg"));
