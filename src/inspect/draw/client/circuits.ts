import { unpacked } from "../packed.js";
import { showCircuit } from "./viewer.js";

/** Reads every circuit of the page, and shows it in the place that goes with it. */
export async function showCircuits(): Promise<void> {
  const dagre = await import("@dagrejs/dagre");
  for (const source of document.querySelectorAll<HTMLScriptElement>("script.circuit-data")) {
    const data = JSON.parse(source.textContent ?? "");
    const root = source.parentElement as HTMLElement;
    const place = document.createElement("div");
    place.className = "viewer";
    root.querySelector(".viewer")?.replaceWith(place);
    await showCircuit(place, { ...data, circuit: unpacked(data.circuit) }, dagre);
  }
}
