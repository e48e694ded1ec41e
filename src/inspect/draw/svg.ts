/** A drawing as SVG. */

import { gateName, gateTitle, wireTitle } from "./details.js";
import { type Box, type Drawing, type Net, type PlacedLabel, type Run, round } from "./drawing.js";
import { escaped } from "./escaped.js";
import { baseline } from "./labels.js";

const TIP = 8;

/** Level runs, joined by curves that leave and arrive level. */
function pathData(runs: readonly Run[]): string {
  const [first] = runs;
  if (!first) return "";
  let text = `M${first.from} ${first.y}`;
  let at = first;
  for (const [k, run] of runs.entries()) {
    if (k > 0 && Math.abs(run.y - at.y) > 0.3) {
      const middle = round((at.to + run.from) / 2);
      text += `C${middle} ${at.y} ${middle} ${run.y} ${run.from} ${run.y}`;
    }
    text += `H${run.to}`;
    at = run;
  }
  return text;
}

const tag = (name: string, attributes: string, ...inside: string[]): string =>
  `<${name}${attributes ? ` ${attributes}` : ""}>${inside.join("")}</${name}>`;

const title = (text: string): string => tag("title", "", escaped(text));

const text = (kind: string, x: number, y: number, content: string): string =>
  content === ""
    ? ""
    : tag("text", `class="${kind}" x="${round(x)}" y="${round(y)}"`, escaped(content));

function labelMarkup({ x, y, label: { above, below } }: PlacedLabel): string {
  const lines = [
    ...above.map((line, k) => text(line.kind, x, y + baseline("above", k), line.text)),
    ...below.map((line, k) => text(line.kind, x, y + baseline("below", k), line.text)),
  ];
  return tag("g", 'class="label"', ...lines);
}

/** Something that the tab key stops at, with what is said of it there. */
const stop = (words: string): string =>
  ` tabindex="0" role="button" aria-label="${escaped(words.replaceAll("\n", ", "))}"`;

function netMarkup(net: Net, isInteractive: boolean): string {
  const { key, circuit, wire, lines, tips, label, branches } = net;
  const paths = lines.map(pathData);
  const tipPath = tips.map(({ x, y }) => `M${x} ${y}l${-TIP} ${-TIP / 2}v${TIP}z`).join("");
  const words = wireTitle(circuit, wire);
  // A wire that goes on in another level is one stop of the tab key: where its label is.
  const name = label ? `data-wire="${escaped(key)}"` : `data-through="${escaped(key)}"`;
  const focus = label && isInteractive ? stop(`wire ${words}`) : "";
  return tag(
    "g",
    `class="net" ${name}${focus}`,
    title(words),
    `<path class="hit" d="${paths.join("")}"/>`,
    `<path class="line" d="${paths.join("")}"/>`,
    tipPath === "" ? "" : `<path class="tip" d="${tipPath}"/>`,
    ...(label ? [labelMarkup(label)] : []),
    ...branches.map(labelMarkup),
  );
}

/** A little square with a plus or a minus: opens and closes. */
function knob(x: number, y: number, open: boolean): string {
  const path = `M${x} ${y}h10v10h-10zM${x + 2.5} ${y + 5}h5${open ? "" : `M${x + 5} ${y + 2.5}v5`}`;
  return `<path class="knob" d="${path}"/>`;
}

const rect = (x: number, y: number, width: number, height: number, rx: number, kind = ""): string =>
  `<rect${kind && ` class="${kind}"`} x="${round(x)}" y="${round(y)}" width="${round(width)}" ` +
  `height="${round(height)}" rx="${rx}"/>`;

const disc = ({ x, y, width, height }: Box): string =>
  `<circle cx="${round(x + width / 2)}" cy="${round(y + height / 2)}" r="${width / 2}"/>`;

function boxWords({ circuit, gate, group, open, title, subtitle }: Box): string {
  const state = open === undefined ? "" : open ? ", open" : ", closed";
  if (gate) return `gate ${gateTitle(circuit, gate)}${state}`;
  return group ? `module ${title}, ${subtitle}${state}` : "";
}

function boxMarkup(box: Box, isInteractive: boolean): string {
  if (box.kind === "fork" || box.kind === "unused")
    return tag("g", `class="${box.kind}"`, disc(box));
  if (box.kind === "source" || box.kind === "sink") return nameMarkup(box);
  const { key, kind, gate, open } = box;
  const words = boxWords(box);
  const expanded = open === undefined ? "" : ` aria-expanded="${open}"`;
  const head =
    `${gate ? "data-gate" : "data-group"}="${escaped(key)}"` +
    (isInteractive ? stop(words) + expanded : "");
  const look = `${open ? "frame " : ""}${kind}${isRound(box) ? " round" : ""}`;
  return tag(
    "g",
    `class="box ${look}" ${head}`,
    title(words),
    ...(open ? frameParts(box) : closedParts(box)),
  );
}

/** A name at the beginning or the end of a wire. */
function nameMarkup({ key, kind, x, y, width, height, wire, title: name }: Box): string {
  return tag(
    "g",
    `class="box ${kind} ${wire?.kind}" data-name="${escaped(key)}"`,
    title(`${kind === "source" ? wire?.kind : "result"} ${name}`),
    rect(x, y, width, height, 4),
    text("sign", x + width / 2, y + height / 2 + 5, name),
  );
}

/** An open gate or group, around what is in it. */
const frameParts = ({ x, y, width, height, gate, title }: Box): string[] => [
  rect(x, y, width, height, 8),
  knob(round(x + 12), round(y + 10), true),
  text("title", x + 29, y + 19, gate ? gateName(gate) : title),
];

const isRound = ({ width, height, subtitle, open }: Box): boolean =>
  width === height && subtitle === "" && open === undefined;

function closedParts(box: Box): string[] {
  const { kind, x, y, width, height, open, title, subtitle, ordinals } = box;
  const [cx, cy] = [x + width / 2, y + height / 2];
  const shift = subtitle === "" ? 5 : -5;
  return [
    isRound(box) ? disc(box) : rect(x, y, width, height, kind === "group" ? 8 : 12),
    open === false ? rect(x + 3, y + 3, width - 6, height - 6, 7, "twin") : "",
    text("sign", cx, cy + shift + (isRound(box) ? 1 : 0), title),
    text("subtitle", cx, cy + 15, subtitle),
    open === false ? knob(round(x + width - 17), round(y + 7), false) : "",
    ...ordinals.map((ordinal) => text("ordinal", x + 5, ordinal.y + 3.5, ordinal.text)),
  ];
}

/**
 * Gates, wires and frames, each by itself: from left to right, which puts frames below what is in
 * them, and is the order of the tab key in a page. `isInteractive` makes gates and wires stops of it.
 */
export function drawingMarkup({ boxes, nets }: Drawing, isInteractive: boolean): string[] {
  const beginOf = ({ label, lines }: Net): number => label?.x ?? lines[0]?.[0]?.from ?? 0;
  const parts = [
    ...boxes.map((box) => ({ x: box.x, y: box.y, markup: boxMarkup(box, isInteractive) })),
    ...nets
      .filter(({ lines }) => lines.length > 0)
      .map((net) => ({
        x: beginOf(net),
        y: net.label?.y ?? 0,
        markup: netMarkup(net, isInteractive),
      })),
  ];
  parts.sort((a, b) => a.x - b.x || a.y - b.y);
  return parts.map(({ markup }) => markup);
}
