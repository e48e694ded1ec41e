/** Moving and scaling a drawing in its stage: pointer, wheel, and steps for keys and buttons. */
import type { Point } from "../drawing.js";

const LEAST = 0.002;
const MOST = 4;
/** Pixels that a pointer may move in a click. */
const STILL = 4;
const MARGIN = 16;

export interface View {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface PanZoom {
  readonly view: View;
  moveTo(view: View): void;
  /** Scales about a point of the stage; by default its middle. */
  zoom(factor: number, about?: Point): void;
  pan(dx: number, dy: number): void;
  /** Moves no more than it takes to bring an element into the stage. */
  show(element: Element): void;
}

/** `wheelNeedsKey`: the wheel scrolls the page, and scales only with Ctrl or ⌘ held. */
export function panZoom(stage: HTMLElement, world: SVGGElement, wheelNeedsKey: boolean): PanZoom {
  let view: View = { x: 0, y: 0, scale: 1 };
  const moveTo = (next: View): void => {
    view = { ...next, scale: Math.min(MOST, Math.max(LEAST, next.scale)) };
    world.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
  };
  const pan = (dx: number, dy: number): void => moveTo({ ...view, x: view.x + dx, y: view.y + dy });
  const zoom = (factor: number, about?: Point): void => {
    const { x, y } = about ?? { x: stage.clientWidth / 2, y: stage.clientHeight / 2 };
    const scale = Math.min(MOST, Math.max(LEAST, view.scale * factor));
    const ratio = scale / view.scale;
    moveTo({ x: x - ratio * (x - view.x), y: y - ratio * (y - view.y), scale });
  };
  const within = ({ clientX, clientY }: MouseEvent): Point => {
    const { left, top } = stage.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };

  stage.addEventListener(
    "wheel",
    (event) => {
      if (wheelNeedsKey && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      zoom(Math.exp((-event.deltaY * pixels) / 400), within(event));
    },
    { passive: false },
  );
  let held: { at: Point; moved: boolean } | undefined;
  stage.addEventListener("pointerdown", (event) => {
    if (event.button === 0) held = { at: within(event), moved: false };
  });
  stage.addEventListener("pointermove", (event) => {
    if (!held) return;
    const to = within(event);
    const [dx, dy] = [to.x - held.at.x, to.y - held.at.y];
    if (!held.moved && Math.hypot(dx, dy) < STILL) return;
    if (!held.moved) stage.setPointerCapture(event.pointerId);
    held = { at: to, moved: true };
    stage.classList.add("moving");
    pan(dx, dy);
  });
  const release = (): void => {
    // The click that ends a move is none.
    if (held?.moved)
      stage.addEventListener("click", (event) => event.stopPropagation(), {
        capture: true,
        once: true,
      });
    held = undefined;
    stage.classList.remove("moving");
  };
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);

  const show = (element: Element): void => {
    const [inner, outer] = [element.getBoundingClientRect(), stage.getBoundingClientRect()];
    const shift = (low: number, high: number, from: number, to: number): number => {
      if (low < from + MARGIN || high - low > to - from) return from + MARGIN - low;
      return high > to - MARGIN ? to - MARGIN - high : 0;
    };
    const isSeen = inner.right > outer.left && inner.left < outer.right;
    const dx = shift(inner.left, inner.right, outer.left, outer.right);
    // What is wider than the stage stays where it is when part of it is seen.
    const isWide = inner.width > outer.width && isSeen;
    const isTall =
      inner.height > outer.height && inner.bottom > outer.top && inner.top < outer.bottom;
    const dy = shift(inner.top, inner.bottom, outer.top, outer.bottom);
    if ((dx !== 0 && !isWide) || (dy !== 0 && !isTall)) pan(isWide ? 0 : dx, isTall ? 0 : dy);
  };
  return {
    get view() {
      return view;
    },
    moveTo,
    zoom,
    pan,
    show,
  };
}
