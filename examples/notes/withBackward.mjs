/** For the slips: what happens when a wrong line stands in a backward pass. */
import { customGrad, jvp } from "chainrule/pure";

/**
 * f, with `backward(dy, x)` for its backward pass. Its forward mode stays the true one, so that the
 * report of a gradient check names the mode that is wrong.
 */
export const withBackward = (f, backward) =>
  customGrad(f, {
    vjp: (dy, { args: [x] }) => [backward(dy, x)],
    jvp: ([dx], { args: [x] }) => jvp(f, x, dx).tangent,
  });
