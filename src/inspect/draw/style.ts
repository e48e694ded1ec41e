/**
 * The look of a drawing, light or dark as the reader has set it. Values stand above their wire,
 * gradients below it, behind a ∂ and slanted: colour is not needed to tell them apart.
 */
const LIGHT = `--paper:#fff;--ink:#1f2328;--muted:#59636e;--line:#57606a;--box:#f6f8fa;--edge:#6e7781;
--value:#116329;--gradient:#b3121d;--focus:#0550ae;--rule:#d1d9e0;--group:rgba(110,118,129,.07);--inside:rgba(84,96,190,.07)`;
const DARK = `--paper:#0d1117;--ink:#e6edf3;--muted:#9198a1;--line:#8b949e;--box:#1c2128;--edge:#8b949e;
--value:#56d364;--gradient:#ff8a80;--focus:#58a6ff;--rule:#30363d;--group:rgba(145,152,161,.09);--inside:rgba(130,140,255,.11)`;

/** Custom properties on `root`, for a page or a drawing of its own. */
export const themes = (root: string): string =>
  `${root}{${LIGHT}}@media(prefers-color-scheme:dark){${root}{${DARK}}}`;

const MONOSPACE = 'ui-monospace,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace';

/** Rules for what is inside of a drawing. */
export const DRAWING_STYLE = `.circuit{font:12px ${MONOSPACE};fill:var(--ink)}
.circuit .paper{fill:var(--paper)}
.circuit text{white-space:pre}
.circuit .line{fill:none;stroke:var(--line);stroke-width:1.4}
.circuit .tip{fill:var(--line)}
.circuit .hit{fill:none;stroke:transparent;stroke-width:12}
.circuit .box rect,.circuit .box circle{fill:var(--box);stroke:var(--edge);stroke-width:1.3}
.circuit .sign{text-anchor:middle;font-size:14px}
.circuit .round .sign{font-size:17px}
.circuit .subtitle{text-anchor:middle;fill:var(--muted);font-size:12px}
.circuit .ordinal{fill:var(--muted);font-size:10px}
.circuit .source rect{rx:13px}
.circuit .source.parameter rect{rx:2px;stroke-width:2.2}
.circuit .source.constant rect{rx:2px;stroke-dasharray:3 2}
.circuit .sink rect{fill:none;stroke:none}
.circuit .sink .sign{font-weight:700}
.circuit .fork circle{fill:var(--line);stroke:none}
.circuit .unused circle{fill:var(--paper);stroke:var(--line)}
.circuit .frame>rect{fill:var(--group);stroke:var(--edge);stroke-width:1}
.circuit .frame.gate>rect{fill:var(--inside);stroke-dasharray:5 3}
.circuit .frame .title{font-weight:600}
.circuit .twin{fill:none!important}
.circuit .knob{stroke:var(--edge);stroke-width:1.4;fill:none}
.circuit .label{text-anchor:middle}
.circuit .name{fill:var(--muted)}
.circuit .value{fill:var(--value)}
.circuit .gradient{fill:var(--gradient);font-style:italic}
.circuit .net:hover .line{stroke-width:2.6}
.circuit .box:hover>rect,.circuit .box:hover>circle{stroke-width:2.4}`;
