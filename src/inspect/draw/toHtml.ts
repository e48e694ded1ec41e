import type { CircuitData } from "../types.js";
import { escaped } from "./escaped.js";
import { checkDrawing, type DrawOptions, describeCircuit, openedAtFirst, titleOf } from "./open.js";
import { embedded, packed } from "./packed.js";
import { makeScene } from "./scene.js";
import { DRAWING_STYLE, themes } from "./style.js";

/** What a page may do: show itself. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** The place of a circuit in a page, with its data; the script of the page fills it. */
export function viewerMarkup(circuit: CircuitData, options: DrawOptions, isPart: boolean): string {
  const open = [...openedAtFirst(makeScene(circuit), options)];
  const data = embedded({ circuit: packed(circuit), open, isPart });
  return [
    '<div class="viewer"><noscript>The circuit is drawn by a script.</noscript></div>',
    `<script type="application/json" class="circuit-data">${data}</script>`,
  ].join("\n");
}

/** A whole page. Style and script are the library's own and need no escaping. */
export function pageMarkup(page: {
  readonly title: string;
  readonly style: string;
  readonly body: string;
  readonly script: string;
}): string {
  const { title, style, body, script } = page;
  return [
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="color-scheme" content="light dark">',
    `<title>${escaped(title)}</title>`,
    `<style>${themes(":root")}\n${DRAWING_STYLE}\n${style}</style>`,
    body,
    `<script>${script}</script>`,
    "",
  ].join("\n");
}

/**
 * The circuit as a page of its own: one file that asks nothing of a network. It can be dragged and
 * scaled by pointer, wheel, buttons and keys (+ − 0, arrows). Pointing at a gate, or going there with
 * the Tab key, shows upstream × local = downstream and the rule in words; a click or Enter opens fused
 * gates and modules, and shows the entries of tensors, as many as `circuit` was told to keep.
 *
 * Throws what `toSvg` throws.
 */
export async function toHtml(circuit: CircuitData, options: DrawOptions = {}): Promise<string> {
  checkDrawing("toHtml", circuit, options);
  const { circuitScript, circuitStyle } = await import("../../generated/pages.js");
  const title = titleOf(circuit, options);
  const body = [
    '<main class="sheet">',
    `<header><h1>${escaped(title)}</h1><p>${escaped(describeCircuit(circuit))}</p></header>`,
    `<section aria-label="circuit">${viewerMarkup(circuit, options, false)}</section>`,
    "</main>",
  ].join("\n");
  return pageMarkup({ title, style: circuitStyle, body, script: circuitScript });
}
