/** The script of the page that `toHtml` writes. */
import { showCircuits } from "./circuits.js";

void showCircuits();
