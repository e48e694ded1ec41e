import type { CircuitData } from "../types.js";
import { escaped } from "./escaped.js";
import { layout } from "./layout.js";
import { checkDrawing, type DrawOptions, describeCircuit, openedAtFirst, titleOf } from "./open.js";
import { makeScene } from "./scene.js";
import { DRAWING_STYLE, themes } from "./style.js";
import { drawingMarkup } from "./svg.js";

/**
 * The circuit as a picture that stands by itself: values above wires in green, gradients below in
 * red behind a ∂; light or dark as the reader has it. Fused gates are open down to `depth`. The
 * numbers have four digits; the full ones, with the rule of each gate, are in the titles.
 *
 * TypeError for what is no circuit, or for options that there are not; RangeError for a bad depth.
 */
export async function toSvg(circuit: CircuitData, options: DrawOptions = {}): Promise<string> {
  checkDrawing("toSvg", circuit, options);
  // Only drawing needs it: it is a file of its own.
  const dagre = await import("@dagrejs/dagre");
  const scene = makeScene(circuit);
  const drawing = layout(scene, openedAtFirst(scene, options), dagre);
  const { width, height } = drawing;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="circuit" role="img" width="${width}" ` +
      `height="${height}" viewBox="0 0 ${width} ${height}" aria-labelledby="title description">`,
    `<title id="title">${escaped(titleOf(circuit, options))}</title>`,
    `<desc id="description">${escaped(describeCircuit(circuit))}</desc>`,
    `<style>${themes(".circuit")}\n${DRAWING_STYLE}</style>`,
    '<rect class="paper" width="100%" height="100%"/>',
    ...drawingMarkup(drawing, false),
    "</svg>\n",
  ].join("\n");
}
