/** How far training is: for each epoch a live line on a terminal, a plain line elsewhere. */
import cliProgress from "cli-progress";

/**
 * @typedef {object} Progress
 * @property {(epoch: Epoch) => void} start
 * @property {(seen: Seen) => void} update in the course of the epoch
 * @property {(seen: Seen) => void} end also when the epoch was broken off
 *
 * @typedef {object} Epoch
 * @property {number} epoch from 0
 * @property {number} epochs
 * @property {number} perEpoch steps
 * @property {{ made: number, total: number }} run steps of all epochs
 *
 * @typedef {{ steps: number, examples: number, correct: number, loss: number }} Seen sums so far
 */

/** Fits in 80 columns. @returns {Progress} */
export function liveProgress(stream) {
  let bar;
  let describe;
  return {
    start(epoch) {
      describe = describer(epoch);
      bar = new cliProgress.SingleBar({
        format: "epoch {epoch} [{bar}] loss {loss}  acc {accuracy}  {rate} steps/s  ETA {left}",
        barsize: 10,
        barCompleteChar: "=",
        barIncompleteChar: " ",
        hideCursor: true,
        stream,
      });
      bar.start(epoch.perEpoch, 0, { epoch: numberOf(epoch), ...NOTHING });
    },
    update: (seen) => bar.update(seen.steps, describe(seen)),
    end(seen) {
      bar.update(seen.steps, describe(seen));
      bar.stop();
    },
  };
}

/** @returns {Progress} */
export function lineProgress(say) {
  let epoch;
  let describe;
  return {
    start(next) {
      epoch = next;
      describe = describer(next);
    },
    update: () => undefined,
    end(seen) {
      const { loss, accuracy, rate } = describe(seen);
      const brokenOff =
        seen.steps < epoch.perEpoch ? `, step ${seen.steps} of ${epoch.perEpoch}` : "";
      say(
        `epoch ${numberOf(epoch)}${brokenOff}: ` +
          `loss ${loss}, accuracy ${accuracy.trim()}, ${rate.trim()} steps/s`,
      );
    },
  };
}

const NOTHING = { loss: "     -", accuracy: "      -", rate: "    -", left: "-" };

const numberOf = ({ epoch, epochs }) =>
  `${String(epoch + 1).padStart(String(epochs).length)}/${epochs}`;

/** Turns the sums of an epoch into columns of constant width. */
function describer({ run: { made, total } }) {
  const began = performance.now();
  return ({ steps, examples, correct, loss }) => {
    if (steps === 0) return NOTHING;
    const perSecond = (1000 * steps) / Math.max(performance.now() - began, 1);
    return {
      loss: (loss / examples).toFixed(4),
      accuracy: `${((100 * correct) / examples).toFixed(1)} %`.padStart(7),
      rate: perSecond.toFixed(0).padStart(5),
      left: clock((total - made - steps) / perSecond),
    };
  };
}

/** 75 → 1:15 */
function clock(seconds) {
  const whole = Math.ceil(seconds);
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  if (whole >= 3600) parts.unshift(Math.floor(whole / 3600));
  return parts.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
