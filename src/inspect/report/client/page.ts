/** The script of the page that `report` writes. */
import { showCircuits } from "../../draw/client/circuits.js";
import { showChart } from "./charts.js";

async function showReport(): Promise<void> {
  const { default: Plot } = await import("uplot");
  for (const source of document.querySelectorAll<HTMLScriptElement>("script.chart-data")) {
    const place = source.parentElement?.querySelector<HTMLElement>(".chart");
    if (place) showChart(Plot, place, JSON.parse(source.textContent ?? ""));
  }
  await showCircuits();
}

void showReport();
