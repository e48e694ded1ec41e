/** A circuit in a page: drawn again whenever a group or a gate opens or closes. */
import type { CircuitData } from "../../types.js";
import type { Box, Drawing, Net } from "../drawing.js";
import { layouts } from "../layout.js";
import { everyKey } from "../open.js";
import type { Dagre } from "../ranks.js";
import { makeScene, type Scene } from "../scene.js";
import { drawingMarkup } from "../svg.js";
import { element } from "./element.js";
import { boxPanel, emptyPanel, netPanel } from "./panel.js";
import { type PanZoom, panZoom, type View } from "./panZoom.js";

/** How a page hands a circuit over. */
interface ViewerData {
  readonly circuit: CircuitData;
  /** Keys of what is open at first. */
  readonly open: readonly string[];
  /** Part of a longer page: the wheel scrolls that, unless Ctrl is held. */
  readonly isPart: boolean;
}

const STEP = 1.25;
const PAN = 60;
/** Below this scale numbers cannot be read. */
const LEGIBLE = 0.9;
/** Beyond this scale a small drawing looks coarse. */
const LARGEST = 1.5;
const MARGIN = 12;
/** How long, in milliseconds, a drawing may keep the page from answering. */
const TURN = 30;
/** Elements that are put in at once. */
const CHUNK = 400;
const NAMED = "[data-wire],[data-through],[data-gate],[data-group],[data-name]";

const keyOf = (target: EventTarget | null): { key: string; node: Element } | undefined => {
  const node = target instanceof Element ? target.closest(NAMED) : null;
  if (!(node instanceof SVGElement)) return undefined;
  const key = Object.values(node.dataset)[0];
  return key === undefined ? undefined : { key, node };
};

/** The beginning of a drawing, large enough to read; in the middle where it is smaller than the stage. */
function legible({ clientWidth, clientHeight }: HTMLElement, { width, height }: Drawing): View {
  const scale = Math.max(
    Math.min((clientWidth - 2 * MARGIN) / width, (clientHeight - 2 * MARGIN) / height, LARGEST),
    LEGIBLE,
  );
  const beside = (room: number, size: number): number =>
    Math.max(MARGIN, (room - size * scale) / 2);
  return { x: beside(clientWidth, width), y: beside(clientHeight, height), scale };
}

/** All of a drawing, in the middle of the stage. */
function whole({ clientWidth, clientHeight }: HTMLElement, { width, height }: Drawing): View {
  const scale = Math.min(clientWidth / width, clientHeight / height, LARGEST);
  return {
    x: (clientWidth - width * scale) / 2,
    y: (clientHeight - height * scale) / 2,
    scale,
  };
}

/** Lets the page answer, and says how far the drawing is; true when it is not wanted any more. */
type Pause = (words: () => string) => Promise<boolean>;

/**
 * The drawing that `steps` end with, and its markup, in turns with whatever else the page does;
 * undefined when `pause` says to give up.
 */
async function drawn(
  steps: Generator<number, Drawing>,
  pause: Pause,
): Promise<{ made: Drawing; group: SVGGElement } | undefined> {
  let next = steps.next();
  for (; !next.done; next = steps.next()) {
    const levels = next.value;
    if (await pause(() => `laying out: ${levels} groups`)) return undefined;
  }
  const made = next.value;
  const parts = drawingMarkup(made, true);
  const group = document.createElementNS("http://www.w3.org/2000/svg", "g");
  for (let begin = 0; begin < parts.length; begin += CHUNK) {
    group.insertAdjacentHTML("beforeend", parts.slice(begin, begin + CHUNK).join(""));
    if (await pause(() => `drawing: ${begin} of ${parts.length}`)) return undefined;
  }
  return { made, group };
}

/** Where a circuit is drawn, which can be moved and scaled. */
function makeStage(): { stage: HTMLElement; world: SVGGElement } {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const world = document.createElementNS("http://www.w3.org/2000/svg", "g");
  svg.setAttribute("class", "circuit");
  svg.append(world);
  const stage = element("div", {
    class: "stage",
    role: "group",
    "aria-label": "circuit, from left to right",
  });
  stage.append(svg);
  return { stage, world };
}

type KeyActions = Readonly<Record<string, () => void>>;

const moving = (moves: PanZoom): KeyActions => ({
  "+": () => moves.zoom(STEP),
  "=": () => moves.zoom(STEP),
  "-": () => moves.zoom(1 / STEP),
  ArrowLeft: () => moves.pan(PAN, 0),
  ArrowRight: () => moves.pan(-PAN, 0),
  ArrowUp: () => moves.pan(0, PAN),
  ArrowDown: () => moves.pan(0, -PAN),
});

function button(name: string, words: string, action: () => void): HTMLElement {
  const made = element("button", { type: "button", "aria-label": words, title: words }, name);
  made.addEventListener("click", action);
  return made;
}

/** Resolves when the circuit is to be seen. */
export async function showCircuit(
  root: HTMLElement,
  data: ViewerData,
  dagre: Dagre,
): Promise<void> {
  const { circuit } = data;
  const scene: Scene = makeScene(circuit);
  const open = new Set(data.open);
  let drawing: Drawing = { width: 0, height: 0, boxes: [], nets: [] };
  let [boxes, nets] = [new Map<string, Box>(), new Map<string, Net>()];
  /** The wire whose entries are shown. */
  let withEntries = "";

  const { stage, world } = makeStage();
  const panel = element("aside", {
    class: "panel",
    "aria-live": "polite",
    "aria-label": "details",
  });
  const moves = panZoom(stage, world, data.isPart);

  const status = element("p", { class: "status", role: "status" });
  const layoutOf = layouts(scene, dagre);
  /** The drawing that was asked for last: an earlier one is given up. */
  let wanted = 0;

  /** False when another drawing was asked for. */
  const draw = async (): Promise<boolean> => {
    const own = ++wanted;
    let since = performance.now();
    const pause: Pause = async (words) => {
      if (performance.now() - since < TURN) return false;
      status.textContent = words();
      await new Promise((resolve) => setTimeout(resolve));
      since = performance.now();
      return own !== wanted;
    };
    const found = await drawn(layoutOf(new Set(open)), pause);
    if (!found) return false;
    drawing = found.made;
    boxes = new Map(drawing.boxes.map((box) => [box.key, box]));
    nets = new Map();
    for (const net of drawing.nets) if (net.label || !nets.has(net.key)) nets.set(net.key, net);
    world.replaceChildren(found.group);
    status.textContent = "";
    return true;
  };
  const elementOf = (key: string): SVGElement | undefined =>
    [...world.querySelectorAll<SVGElement>(NAMED)].find(({ dataset }) =>
      Object.values(dataset).includes(key),
    );
  const tell = (key: string | undefined): void => {
    const [net, box] = [nets.get(key ?? ""), boxes.get(key ?? "")];
    if (net) panel.replaceChildren(...netPanel(net, withEntries === key));
    else if (box) panel.replaceChildren(...boxPanel(box));
    else panel.replaceChildren(...emptyPanel(circuit, data.isPart));
  };

  const read = (): void => moves.moveTo(legible(stage, drawing));
  const showWhole = (): void => moves.moveTo(whole(stage, drawing));

  /** Draws again with that box where it was on the screen, and focused. */
  const toggle = async (key: string): Promise<void> => {
    const before = boxes.get(key);
    if (before?.open === undefined) return;
    if (open.has(key)) open.delete(key);
    else open.add(key);
    if (!(await draw())) return;
    const after = boxes.get(key);
    const { x, y, scale }: View = moves.view;
    if (after)
      moves.moveTo({
        x: x + (before.x - after.x) * scale,
        y: y + (before.y - after.y) * scale,
        scale,
      });
    elementOf(key)?.focus({ preventScroll: true });
    tell(key);
  };
  const activate = (key: string): void => {
    if (boxes.get(key)?.open !== undefined) void toggle(key);
    else if (nets.has(key)) {
      withEntries = withEntries === key ? "" : key;
      tell(key);
    }
  };
  const setAll = async (isOpen: boolean): Promise<void> => {
    open.clear();
    if (isOpen) for (const key of everyKey(scene)) open.add(key);
    if (!(await draw())) return;
    read();
    tell(undefined);
  };

  stage.addEventListener("pointerover", (event) => {
    const found = keyOf(event.target);
    if (found) tell(found.key);
  });
  stage.addEventListener("focusin", (event) => {
    const found = keyOf(event.target);
    if (!found) return;
    tell(found.key);
    // Browsers scroll what is focused into view, and do not know of the stage's own moves.
    stage.scrollTo(0, 0);
    moves.show(found.node);
  });
  stage.addEventListener("click", (event) => {
    const found = keyOf(event.target);
    if (found) activate(found.key);
  });
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !stage.contains(event.target as Node))
      return;
    const found = keyOf(event.target);
    const actions: KeyActions = {
      ...moving(moves),
      "0": read,
      ...(found && { Enter: () => activate(found.key), " ": () => activate(found.key) }),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  const bar = element(
    "div",
    { class: "bar", role: "toolbar", "aria-label": "view" },
    button("−", "zoom out (key −)", () => moves.zoom(1 / STEP)),
    button("+", "zoom in (key +)", () => moves.zoom(STEP)),
    button("read", "large enough to read, from the beginning (key 0)", read),
    button("fit", "the whole drawing at once", showWhole),
  );
  if (everyKey(scene).length > 0)
    bar.append(
      button("open all", "open every group and fused gate", () => void setAll(true)),
      button("close all", "close every group and fused gate", () => void setAll(false)),
    );
  bar.append(status);
  root.replaceChildren(bar, stage, panel);
  await draw();
  read();
  tell(undefined);
}
