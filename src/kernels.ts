/**
 * The kernel contract: what both backends implement, documented once and here only.
 *
 * Units: addresses in bytes; lengths, strides and leading dimensions in elements; shapes row-major,
 * slowest first. "Float" is f32, or f64 in the double-precision twin of the TypeScript backend. A
 * scalar is the address of one float. Kernels own nothing, allocate nothing and cannot fail on
 * valid input.
 *
 * Rounding (f32): every `+ - * /` and square root is rounded by itself; nothing is contracted or
 * reassociated. NaN has one meaning, whatever its payload. No flush to zero.
 *
 * Aliasing: unless a line says otherwise, an output may be the very address of an input that has as
 * many elements and is walked element by element with it; any other overlap is forbidden.
 * Statistics and sums per channel or per row overlap nothing.
 *
 * Order of additions
 *  - rows (`inner = 1`): in each block of 4,096 elements, element q joins partial q mod 16, ascending, each
 *    partial starting at 0; then p[q] += p[q + 8] for q < 8, += p[q + 4], += p[q + 2], += p[q + 1]; p[0] is
 *    the block's sum. More than one block: the block sums are added by this same rule, and so on.
 *  - columns (`inner > 1`): a product with ones, that is, GEMM's order below, n being k.
 *  - GEMM: blocks of KC = 256 along k; in each, s = 0, then s = s + a·b for k ascending; the first block gives
 *    C = alpha·s (or C = beta·C + alpha·s), each next one C = C + alpha·s; then the bias, then the activation.
 *    Zeros and padding are multiplied like any other number.
 */
export interface Kernels {
  /** out[i] = x[i] for `bytes` bytes; a multiple of 4. Not in place. */
  copy(out: number, x: number, bytes: number): void;
  /** out[i] = value for i < n; `value` is a scalar. */
  fill(out: number, value: number, n: number): void;
  /**
   * out (contiguous) = x read from `offset` on with one stride per axis (0 repeats, a negative one
   * walks back): broadcastTo, transpose, slices. It moves words of 4 bytes, whatever they mean, and
   * strides are in words: an f64 is one more axis of two. `dims` is the address of `rank` u32 sizes
   * followed by `rank` i32 strides. Rank 0 copies one word. Not in place.
   */
  stridedCopy(out: number, x: number, offset: number, rank: number, dims: number): void;
  /**
   * The transpose of `stridedCopy`: x (contiguous) is written to out from `offset` on with one
   * stride per axis; the rest of out stays. No two elements go to one place.
   */
  stridedPlace(out: number, offset: number, x: number, rank: number, dims: number): void;

  /**
   * out[o, i, k] = x[o, indices[i], k]: x [outer, n, inner] → [outer, count, inner], indices i32.
   * Moves words: `inner` counts them. Returns −1, or the position of the first index outside
   * 0 ≤ index < n, before anything is written.
   */
  take(
    out: number,
    x: number,
    indices: number,
    outer: number,
    n: number,
    count: number,
    inner: number,
  ): number;
  /**
   * Its transpose: out[o, indices[i], k] += x[o, i, k], i ascending; floats. out [outer, n, inner]
   * holds what is added to.
   */
  takeAdd(
    out: number,
    x: number,
    indices: number,
    outer: number,
    n: number,
    count: number,
    inner: number,
  ): number;
  /**
   * out[o, i, k] = x[o, indices[o, i, k], k] for elements of `words` words: x [outer, n, inner],
   * indices i32 [outer, count, inner]. Returns as `take`.
   */
  gather(
    out: number,
    x: number,
    indices: number,
    outer: number,
    n: number,
    count: number,
    inner: number,
    words: number,
  ): number;
  /** Its transpose: out[o, indices[o, i, k], k] += x[o, i, k], in the order of x; floats. */
  scatterAdd(
    out: number,
    x: number,
    indices: number,
    outer: number,
    n: number,
    count: number,
    inner: number,
  ): number;
  /**
   * out i32 [rows, n] = the order of each row of x, least first, or greatest if `descending` is 1;
   * NaN is the greatest; equals keep their order (merge sort). `scratch` is n words.
   */
  argsort(
    out: number,
    scratch: number,
    x: number,
    rows: number,
    n: number,
    descending: number,
  ): void;

  /** out[i] = x[i] + 1 on i32, wrapping. */
  increment(out: number, x: number, n: number): void;
  /**
   * out[r, c] = (labels[r] == c ? 1 : 0); labels i32. Returns −1, or the first row whose label is
   * outside 0 ≤ label < cols.
   */
  oneHot(out: number, labels: number, rows: number, cols: number): number;

  /**
   * out[r, c] = a[r·rsA + c·csA] + b[r·rsB + c·csB], out contiguous [rows, cols]. csA, csB are 0 or
   * 1; a row stride may be 0. The same operands for the seven below. An operand may alias out when
   * its strides are (cols, 1).
   */
  add: BinaryKernel;
  /** a − b */
  sub: BinaryKernel;
  /** a · b */
  mul: BinaryKernel;
  /** a / b */
  div: BinaryKernel;
  /** Math.max(a, b): NaN wins, −0 < 0 */
  maximum: BinaryKernel;
  /** Math.min(a, b): NaN wins, −0 < 0 */
  minimum: BinaryKernel;
  /** a == b ? 1 : 0 */
  equal: BinaryKernel;
  /** ∂max(a, b)/∂a: a == b ? 0.5 : a < b ? 0 : 1 (NaN passes the gradient, as in PyTorch) */
  maximumShare: BinaryKernel;

  /** −x (the sign bit of NaN is free) */
  neg(out: number, x: number, n: number): void;
  /** eˣ; within 0.98 ULP; overflows to Infinity, underflows gradually to 0 */
  exp(out: number, x: number, n: number): void;
  /** ln x; within 0.82 ULP, subnormals included; ln 0 = −Infinity, NaN of a negative number */
  log(out: number, x: number, n: number): void;
  /** correctly rounded square root */
  sqrt(out: number, x: number, n: number): void;
  /** 1 / (1 + e⁻ˣ), in the form that neither overflows nor loses the small end; within 1.41 ULP */
  sigmoid(out: number, x: number, n: number): void;
  /** within 1.33 ULP; tanh(−0) = −0 */
  tanh(out: number, x: number, n: number): void;
  /** x < 0 ? 0 : x: NaN passes, −0 stays */
  relu(out: number, x: number, n: number): void;
  /** out = (dy · (1 − y)) · y */
  sigmoidBackward(out: number, y: number, dy: number, n: number): void;
  /** out = dy · (1 − y · y) */
  tanhBackward(out: number, y: number, dy: number, n: number): void;
  /** out = y <= 0 ? 0 : dy */
  reluBackward(out: number, y: number, dy: number, n: number): void;

  /**
   * out (words 0 and 1) = whether a and b compare as `comparison` (a `Comparison`) says; operands as
   * in `add`. NaN equals nothing. Not in place.
   */
  compare: BinaryKernelOf;
  /** The same on i32, and on words 0 and 1. */
  compareIntegers: BinaryKernelOf;
  /** i32 arithmetic, wrapping: an `IntegerOperation` of a and b; operands as in `add`. */
  integers: BinaryKernelOf;
  /**
   * out[i] = condition[i] ≠ 0 ? a[i·sA] : b[i·sB] for floats; condition holds words, sA and sB are 0
   * or 1. A whole a or b may be out.
   */
  select(
    out: number,
    condition: number,
    a: number,
    b: number,
    n: number,
    sA: number,
    sB: number,
  ): void;
  /** The same on words of 4 bytes. */
  selectWords(
    out: number,
    condition: number,
    a: number,
    b: number,
    n: number,
    sA: number,
    sB: number,
  ): void;
  /** i32 → float, to nearest. */
  toFloat(out: number, x: number, n: number): void;
  /** float → i32, towards zero; beyond i32 its nearest end, NaN 0. */
  toInteger(out: number, x: number, n: number): void;

  /** |x| (the sign bit of NaN is free) */
  abs(out: number, x: number, n: number): void;
  /** x > 0 ? 1 : x < 0 ? −1 : 0, so 0 for NaN */
  sign(out: number, x: number, n: number): void;
  /** greatest whole number ≤ x; −0 stays */
  floor(out: number, x: number, n: number): void;
  /** least whole number ≥ x; −0 stays, and −0.5 becomes it */
  ceil(out: number, x: number, n: number): void;
  /** nearest whole number, half to even; −0 stays, and −0.5 becomes it */
  round(out: number, x: number, n: number): void;

  /**
   * out [outer, inner] = Σ over n of x [outer, n, inner], in the order above; 0 when n = 0. Not in
   * place.
   */
  sum(out: number, x: number, outer: number, n: number, inner: number): void;
  /** sum / n; NaN when n = 0 */
  mean(out: number, x: number, outer: number, n: number, inner: number): void;
  /** greatest of n ≥ 1 by `maximum` (any NaN wins) */
  max(out: number, x: number, outer: number, n: number, inner: number): void;
  /** least of n ≥ 1 by `minimum` */
  min(out: number, x: number, outer: number, n: number, inner: number): void;

  /**
   * out[o, i, k] = Σ of x[o, j, k] over j ≤ i, or over j ≥ i if `reverse` is 1; one addition after
   * the other in f64, whose sums are rounded as they are stored. x [outer, n, inner]. out may be x.
   */
  cumsum(out: number, x: number, outer: number, n: number, inner: number, reverse: number): void;
  /**
   * out i32 [outer, inner] = the place of the greatest of n ≥ 1, or of the least if `least` is 1: the
   * first of ties, and the first NaN where there is one.
   */
  argmax(out: number, x: number, outer: number, n: number, inner: number, least: number): void;

  /**
   * C [m, n] = activation(alpha · A·B + beta · C + bias), A(i, p) at a[i·rsA + p·csA], B(p, j) at
   * b[p·rsB + j·csB], C(i, j) at c[i·rsC + j]. `alpha`, `beta` are scalars; address 0 stands for 1
   * and 0. beta = 0 never reads C. `bias` [n] is added to every row, 0: none. `activation`: an
   * `Activation`. k = 0 gives beta·C, or 0 when beta is 0, whatever alpha is, then bias and
   * activation. C overlaps nothing.
   */
  gemm(
    c: number,
    a: number,
    b: number,
    bias: number,
    m: number,
    n: number,
    k: number,
    rsC: number,
    rsA: number,
    csA: number,
    rsB: number,
    csB: number,
    alpha: number,
    beta: number,
    activation: number,
  ): void;

  /**
   * C [m, n] = (alpha · A·B + beta · C) through the derivative of an activation: `activation` is
   * ReluBackward, SigmoidBackward or TanhBackward, which does to each entry, as dy, what the kernel of
   * that name does with y. Y(i, j) at y[i·rsC + j], as C is walked; the rest as in `gemm`, without a
   * bias. C overlaps nothing, y neither.
   */
  gemmBackward(
    c: number,
    a: number,
    b: number,
    y: number,
    m: number,
    n: number,
    k: number,
    rsC: number,
    rsA: number,
    csA: number,
    rsB: number,
    csB: number,
    alpha: number,
    beta: number,
    activation: number,
  ): void;
  /**
   * C [m, n] = A·B as in `gemm`, and sums [m] = Σ over p of A(i, p) as `sum` adds columns: A is stored
   * transposed, A(i, p) at a[i + p·csA]. For a layer's cotangent dY [k, m] and its input X [k, n] these
   * are the gradients of its weight, dYᵀ·X, and of its bias. `sums` walks with the rows of C.
   */
  gemmSums(
    c: number,
    sums: number,
    a: number,
    b: number,
    m: number,
    n: number,
    k: number,
    rsC: number,
    csA: number,
    rsB: number,
    csB: number,
  ): void;

  /**
   * `batch` products C [m, n] = A·B one after the other: C contiguous, A and B `strideA` and
   * `strideB` elements apart (0: the same for all). Operands and order as in `gemm`.
   */
  gemmBatched(
    c: number,
    a: number,
    b: number,
    batch: number,
    strideA: number,
    strideB: number,
    m: number,
    n: number,
    k: number,
    rsA: number,
    csA: number,
    rsB: number,
    csB: number,
  ): void;

  /**
   * Of each row of x [rows, n], shifted by its maximum (a row of −Infinity, and one with NaN or
   * Infinity, gives NaN):
   *
   *     y = exp(x − max) / Σ exp(x − max)                     sums in row order
   *     y = (x − max) − ln Σ exp(x − max)                     when `logarithm` is 1
   */
  softmax(y: number, x: number, rows: number, n: number, logarithm: number): void;
  /**
   *     dx = (dy − Σ dy·y) · y                                sums in row order
   *     dx = dy − exp(y) · Σ dy                               when `logarithm` is 1
   *
   * `scratch` is n floats. dx may alias y or dy.
   */
  softmaxBackward(
    dx: number,
    scratch: number,
    y: number,
    dy: number,
    rows: number,
    n: number,
    logarithm: number,
  ): void;

  /**
   * Softmax of scores x [rows, n] of which query q = r mod `queries` sees keys 0 … q only:
   *
   *     z       = x · scale                                   of the first min(n, q + 1)
   *     y       = exp(z − max(x) · scale) / Σ exp(…)          sums in row order
   *     y       = 0                                           of the others, which are not read
   *
   * `scale` > 0 is a scalar. y may alias x.
   */
  causalSoftmax(
    y: number,
    x: number,
    rows: number,
    n: number,
    queries: number,
    scale: number,
  ): void;
  /**
   * dx = ((dy − Σ dy·y) · y) · scale of the keys that are seen, sums in row order, and 0 of the
   * others, which are not read. `scratch` is n floats. dx may alias y or dy.
   */
  causalSoftmaxBackward(
    dx: number,
    scratch: number,
    y: number,
    dy: number,
    rows: number,
    n: number,
    queries: number,
    scale: number,
  ): void;

  /**
   * Softmax cross-entropy of each row (log-sum-exp: Bridle 1990; shifted by the row's maximum, so
   * nothing overflows).
   *
   *     rowMax    = max(logits[r, :])
   *     logSum    = ln Σ exp(logits[r, c] − rowMax)          in row order
   *     losses[r] = logSum − (logits[r, label] − rowMax)
   *
   * Returns −1, or the first row whose label (i32) is outside 0 ≤ label < cols, checked before
   * anything is written.
   */
  softmaxCrossEntropyForward(
    losses: number,
    rowMax: number,
    logSum: number,
    logits: number,
    labels: number,
    rows: number,
    cols: number,
  ): number;
  /**
   *     p             = exp((logits[r, c] − rowMax[r]) − logSum[r])
   *     dLogits[r, c] = (p − (c == label ? 1 : 0)) · dLosses[r · dStride]
   *
   * dStride is 0 or 1. Labels are known to be in range. dLogits may alias logits.
   */
  softmaxCrossEntropyBackward(
    dLogits: number,
    logits: number,
    labels: number,
    rowMax: number,
    logSum: number,
    dLosses: number,
    rows: number,
    cols: number,
    dStride: number,
  ): void;

  /**
   * Batch normalisation (Ioffe & Szegedy 2015) of x [outer, channels, inner] per channel, over
   * n = outer · inner values. Channel sums: each row of `inner` elements by the row order
   * (inner = 1: the element itself), then over `outer` in GEMM's order.
   *
   *     mean     = sum / n                                   n rounded to a float
   *     variance = Σ(x − mean)² / n                          biased, a second pass
   *     rstd     = 1 / sqrt(variance + eps)
   *     y        = ((x − mean) · rstd) · gamma + beta
   *
   * `eps` is a scalar; mean, variance: [channels]; `activation`: Relu or none, of y. y may alias x.
   *
   * Channels are independent of one another: threads take some each. A row of x and y has `pitch`
   * channels, of which these are `channels` neighbours; all of them where `inner` is 1.
   */
  batchNormForward(
    y: number,
    mean: number,
    variance: number,
    x: number,
    gamma: number,
    beta: number,
    outer: number,
    channels: number,
    inner: number,
    pitch: number,
    eps: number,
    activation: number,
  ): void;
  /** y = activation(((x − mean) · rstd) · gamma + beta) with the given statistics. y may alias x. */
  batchNormEval(
    y: number,
    x: number,
    mean: number,
    variance: number,
    gamma: number,
    beta: number,
    outer: number,
    channels: number,
    inner: number,
    eps: number,
    activation: number,
  ): void;
  /**
   *     xhat   = (x − mean) · rstd
   *     dBeta  = Σ dy
   *     dGamma = Σ dy · xhat                                 order as in the forward
   *     dx     = (gamma · rstd) · ((dy − dBeta / n) − xhat · (dGamma / n))
   *
   * `beta` [channels] stands for a relu after the norm, whose cotangent dy is then: everywhere above
   * dy is 0 where xhat · gamma + beta ≤ 0. 0: there is none. dx may alias dy or x.
   */
  batchNormBackward(
    dx: number,
    dGamma: number,
    dBeta: number,
    x: number,
    mean: number,
    variance: number,
    gamma: number,
    dy: number,
    outer: number,
    channels: number,
    inner: number,
    pitch: number,
    eps: number,
    beta: number,
  ): void;

  /**
   * Layer normalisation (Ba, Kiros & Hinton 2016) of each row of x [rows, n], with gamma and beta [n].
   *
   *     mean = Σ x / n;  rstd = 1 / sqrt(Σ (x − mean)² / n + eps)      [rows], sums in row order
   *     xhat = (x − mean) · rstd
   *     y    = xhat · gamma + beta
   *
   * y may alias x.
   */
  layerNormForward(
    y: number,
    mean: number,
    rstd: number,
    x: number,
    gamma: number,
    beta: number,
    rows: number,
    n: number,
    eps: number,
  ): void;
  /**
   *     dBeta  = Σ dy                                  [n], column sums
   *     dGamma = Σ dy · xhat
   *     d      = dy · gamma
   *     dx     = rstd · ((d − Σ d / n) − xhat · (Σ d·xhat / n))       sums in row order
   *
   * `scratch` is 4n + 16 floats. dx may alias dy or x.
   */
  layerNormBackward(
    dx: number,
    dGamma: number,
    dBeta: number,
    scratch: number,
    x: number,
    mean: number,
    rstd: number,
    gamma: number,
    dy: number,
    rows: number,
    n: number,
  ): void;
  /**
   * Root-mean-square normalisation (Zhang & Sennrich 2019) of each row of x [rows, n]:
   * y = x · rstd, rstd = 1 / sqrt(Σ x² / n + eps), the sum in row order. y may alias x.
   */
  rmsNorm(y: number, x: number, rows: number, n: number, eps: number): void;
  /**
   *     xhat = x · rstd
   *     dx   = rstd · (dy − xhat · (Σ dy·xhat / n))            sum in row order
   *
   * `scratch` is n floats. dx may alias dy.
   */
  rmsNormBackward(
    dx: number,
    scratch: number,
    x: number,
    dy: number,
    rows: number,
    n: number,
    eps: number,
  ): void;

  /**
   * Images as columns (Chellapilla et al. 2006). `geometry` is the address of sixteen u32
   *
   *     N C H W   O   kH kW   oH oW   stride y x   padding y x   dilation y x   groups
   *
   * of which padding is what lies before the first row and column; the rest follows from oH, oW.
   * Out of an image is 0.
   *
   *     out[n, (c, ky, kx), (oy, ox)] = x[n, c, oy·stride y + ky·dilation y − padding y, ox·…]
   *
   * x [N, C, H, W], out [N, C·kH·kW, oH·oW]; O and groups are not read. Not in place; no kernel
   * with a geometry is.
   */
  unfold(out: number, x: number, geometry: number): void;
  /**
   * The transpose of `unfold`: x [N, C·kH·kW, oH·oW], out [N, C, H, W]. Each pixel starts at 0 and
   * adds what the columns hold of it, (ky, kx) ascending.
   */
  fold(out: number, x: number, geometry: number): void;
  /**
   * y [N, O, oH, oW] = activation(w · unfold(x) + bias), a product for each image and group: x [N,
   * C, H, W], w [O, C / groups, kH, kW], bias [O] or 0: none. In GEMM's order with k = (c, ky, kx).
   * `span`: positions at a time, whole rows when it covers one. A kernel of 1 × 1 with stride 1 and
   * no padding needs no `scratch`; others as many floats as `src/ops/convScratch.ts` counts: packed
   * filters, and padded planes of a part of one image. Bits do not depend on `span`.
   *
   * Convolutions and their input gradients fall into images: y and x advanced, N less. Each such
   * part needs a scratch of its own.
   */
  conv2dForward(
    y: number,
    scratch: number,
    x: number,
    w: number,
    bias: number,
    geometry: number,
    span: number,
    activation: number,
  ): void;
  /**
   * dx [N, C, H, W] = fold(wᵀ · dy) + bias, for each image and group: dy [N, O, oH, oW], w [O, C /
   * groups, kH, kW], bias [C] or 0: none (a transposed convolution has one). For each pixel one sum
   *
   *     Σ w[o, c, ky, kx] · dy[n, o, (y + padding y − ky·dilation y) / stride y, (x + …) / …]
   *
   * in GEMM's order with k = (o, ky, kx), of those elements of the kernel for which both divisions
   * leave no remainder; where dy has no such position it counts as 0, and is multiplied. `span`:
   * positions at a time of those that lie a stride apart; `scratch` as for `conv2dForward`.
   */
  conv2dInputGradient(
    dx: number,
    scratch: number,
    dy: number,
    w: number,
    bias: number,
    geometry: number,
    span: number,
  ): void;
  /**
   * dw [O, C / groups, kH, kW] = Σ dy · unfold(x)ᵀ for each group: x [N, C, H, W], dy [N, O, oH,
   * oW]. In GEMM's order with k = (n, oy, ox): its blocks cross from one image into the next.
   * `span`: channels at a time; `scratch`: as many floats as `src/ops/convScratch.ts` counts. Only
   * the filters first ≤ o < end are written, so that it falls into parts, each with its own scratch.
   */
  conv2dWeightGradient(
    dw: number,
    scratch: number,
    x: number,
    dy: number,
    geometry: number,
    span: number,
    first: number,
    end: number,
  ): void;
  /**
   * The greatest element of each window of x [N, C, H, W] in y [N, C, oH, oW], and where it is in
   * its plane of H·W: the first that is greater than all before it in row-major order; of NaNs, the
   * last. Padding counts as −Infinity; a window without elements has index −1. indices i32.
   *
   * This and the other kernels of pools fall into planes: addresses advanced, N less.
   */
  maxPool(y: number, indices: number, x: number, geometry: number): void;
  /**
   * out[p, i] = x[p, indices[p, i]], 0 where that is negative: x [planes, size], out and indices
   * [planes, count]; the indices are known to be less than `size`. Not in place.
   */
  poolGather(
    out: number,
    x: number,
    indices: number,
    planes: number,
    size: number,
    count: number,
  ): void;
  /**
   * The transpose of `poolGather` for the indices that `maxPool` gives with this geometry:
   * out[p, indices[p, i]] += x[p, i] from 0, i ascending; out [N, C, H, W], x [N, C, oH, oW].
   */
  poolScatter(out: number, x: number, indices: number, geometry: number): void;
  /**
   * y [N, C, oH, oW] = the sum of each window of x [N, C, H, W], (ky, kx) ascending from 0, divided
   * by `divisor` (a scalar), or when that is 0 by the number of its elements, with those of the
   * padding when `countIncludePad` is 1. Dilation is 1. A window without elements gives 0.
   */
  avgPool(y: number, x: number, geometry: number, countIncludePad: number, divisor: number): void;
  /** The transpose of `avgPool`: dx += dy / divisor over each window from 0, (oy, ox) ascending. */
  avgPoolBackward(
    dx: number,
    dy: number,
    geometry: number,
    countIncludePad: number,
    divisor: number,
  ): void;

  /**
   * Threefry-2x32, 20 rounds (Salmon et al. 2011), in JAX's partitionable layout. `state` is the
   * address of u32 [seedHi, seedLo, run]; key = foldIn(foldIn([seedHi, seedLo], run), ordinal),
   * where foldIn(key, d) = threefry(key, [0, d]). out[i] (u32) = x0 ^ x1 of threefry(key, [0, i]).
   */
  randomBits(out: number, n: number, state: number, ordinal: number): void;
  /** out[i] = (bits[i] >>> 9) · 2⁻²³, in [0, 1); the same numbers in f64 */
  uniform(out: number, n: number, state: number, ordinal: number): void;
  /**
   * Standard normal, one word each: u = max(lo, uniform · 2 + lo) with lo = −(1 − 2⁻²⁴), the f32
   * after −1, in both precisions; out = √2 · erfinv(u), by M. Giles's single-precision polynomial
   * (GPU Computing Gems, 2011).
   */
  normal(out: number, n: number, state: number, ordinal: number): void;
  /**
   * Inverted dropout (Srivastava et al. 2014): out[i] = uniform[i] < p ? 0 : x[i] · scale, where
   * uniform is that of the same state and ordinal, so that the backward pass is the same
   * instruction on dy and no mask is stored. `hyper` is the address of floats [p, scale].
   */
  dropout(out: number, x: number, n: number, state: number, ordinal: number, hyper: number): void;

  /**
   * hyper = [lr, momentum, weightDecay].
   *
   *     d    = g + weightDecay · p                           g when weightDecay is 0
   *     pOut = p − lr · d
   *
   * In all three updates an output may alias the input of the same name, and one instruction may
   * have many parts, done in order (`Opcode`).
   */
  sgd(pOut: number, p: number, g: number, n: number, hyper: number): void;
  /**
   * hyper and d as in `sgd` (Sutskever et al. 2013, in PyTorch's form).
   *
   *     bufferOut = momentum · buffer + d
   *     pOut      = p − lr · bufferOut
   *     pOut      = p − lr · (d + momentum · bufferOut)      when `nesterov` is 1
   */
  sgdMomentum(
    pOut: number,
    bufferOut: number,
    p: number,
    g: number,
    buffer: number,
    n: number,
    hyper: number,
    nesterov: number,
  ): void;
  /**
   * Adam (Kingma & Ba 2015) and, with `decoupled` = 1, AdamW (Loshchilov & Hutter 2019).
   * hyper = [beta1, 1 − beta1, beta2, 1 − beta2, eps, stepSize, root, weightDecay, keep], where
   * stepSize = lr / (1 − beta1ᵗ), root = √(1 − beta2ᵗ), keep = 1 − lr · weightDecay.
   *
   *     d          = g + weightDecay · p                     g when decoupled or weightDecay is 0
   *     q          = p · keep                                p unless decoupled and weightDecay ≠ 0
   *     moment1Out = beta1 · moment1 + (1 − beta1) · d
   *     moment2Out = beta2 · moment2 + (1 − beta2) · (d · d)
   *     pOut       = q − stepSize · (moment1Out / (sqrt(moment2Out) / root + eps))
   */
  adam(
    pOut: number,
    moment1Out: number,
    moment2Out: number,
    p: number,
    g: number,
    moment1: number,
    moment2: number,
    n: number,
    hyper: number,
    decoupled: number,
  ): void;

  /** ln (1 + x), as accurate near 0; this and the eleven below: f64 inside, within 0.51 ULP */
  log1p(out: number, x: number, n: number): void;
  /** eˣ − 1, as accurate near 0 */
  expm1(out: number, x: number, n: number): void;
  /** sin x, whatever its size; NaN of ±Infinity */
  sin(out: number, x: number, n: number): void;
  /** cos x, whatever its size; NaN of ±Infinity */
  cos(out: number, x: number, n: number): void;
  /** tan x, whatever its size; NaN of ±Infinity */
  tan(out: number, x: number, n: number): void;
  /** sinh x, as accurate near 0 */
  sinh(out: number, x: number, n: number): void;
  cosh(out: number, x: number, n: number): void;
  /** arctan x */
  atan(out: number, x: number, n: number): void;
  /** 2/√π ∫₀ˣ e^−t² dt */
  erf(out: number, x: number, n: number): void;
  /**
   * xʸ, operands x and y as `add` has them; special values as in C99: x⁰ = 1ʸ = 1, NaN where x < 0
   * and y is no integer. x² is x · x and x^½ the square root, to the bit.
   */
  pow: BinaryKernel;
  /** The angle of the point (x, y), operands y and x; signed zeros and infinities as in C99 */
  atan2: BinaryKernel;
  /** √(a² + b²) without overflow on the way; Infinity wins over NaN, as in C99 */
  hypot: BinaryKernel;

  /** x · sigmoid(x); NaN of −Infinity, as in PyTorch, here and below */
  silu(out: number, x: number, n: number): void;
  /** c = x within ±800, s = sigmoid(c): out = dy · (s · (1 + c · (1 − s))) */
  siluBackward(out: number, x: number, dy: number, n: number): void;
  /** x · Φ(x), Φ the normal distribution; within 0.51 ULP */
  gelu(out: number, x: number, n: number): void;
  /**
   * out = dy · (Φ(x) + x · Φ′(x)); what dy is multiplied by is within 0.51 ULP of it or of its larger
   * term
   */
  geluBackward(out: number, x: number, dy: number, n: number): void;
  /** `gelu`, and at `slope` what `geluBackward` multiplies dy by; one of them may take the place of x */
  geluForward(out: number, slope: number, x: number, n: number): void;
  /** ½x · (1 + tanh u), u = √(2/π) · (x + 0.044715 x³); within 0.51 ULP */
  geluTanh(out: number, x: number, n: number): void;
  /** s = ½(1 + tanh u): out = dy · (s · (1 + x · (1 − s) · 2u′)), as accurate as `geluBackward` */
  geluTanhBackward(out: number, x: number, dy: number, n: number): void;

  /**
   * A program of elementwise kernels and reductions of rows, run once for each tile of what they
   * compute: what only the chain reads stays in L1. `operands` is the address of words that
   * `assembly/chain.ts` draws; `workspace` holds a copy of the program and the tiles of values that
   * have no other place. Each element is computed as the instructions one by one would, to the bit;
   * an output may be an operand that no later instruction of the chain reads.
   */
  chain(operands: number, workspace: number): void;
  /**
   * out[b] = the sum of block b of x: 4,096 elements, in the order of rows; the last has what is
   * left. Their sum by that order is the sum of x. Not in place.
   */
  sumBlocks(out: number, x: number, n: number): void;

  /**
   * Whether y holds what its inputs do not explain: returns −1, or the position of the first NaN of
   * y where no input has a NaN, or, if `infinities` is 1, of the first infinity where no input has
   * an infinity or a NaN; the earlier one where it has both. `inputs` is the address of `count`
   * pairs of words [address, elements].
   */
  checkFinite(y: number, n: number, infinities: number, count: number, inputs: number): number;
  /**
   * out[0] = √Σ(x[i] − y[i])², the difference rounded, the rest in f64: element q joins partial q mod
   * 8, then p[q] += p[q + 4], and the sum is (p[0] + p[2]) + (p[1] + p[3]). y = 0: of x alone.
   */
  norm(out: number, x: number, y: number, n: number): void;
  /**
   * What x is like; NaNs and infinities are counted and otherwise left out.
   *
   *     out    = [mean, √(Σx² / n − mean²) or 0, min, max]
   *     counts = [zeros, not finite, less than low, greater than high, bin 0, bin 1, …]   i32
   *
   * `limits` is the address of [low, high]. Of zeros, min and max are +0.
   * Both sums are made in f64: element q joins partial q mod
   * 4, and the sum is (p[0] + p[2]) + (p[1] + p[3]). x is in bin k = ⌊(x − min) · (bins / (max −
   * min))⌋, each step rounded to a float, at most bins − 1, and 0 where that is NaN. bins ≤ 1,024.
   */
  statistics(out: number, counts: number, x: number, n: number, bins: number, limits: number): void;
}

/** The operands of `add` and those like it. */
type BinaryKernel = (
  out: number,
  a: number,
  b: number,
  rows: number,
  cols: number,
  rsA: number,
  csA: number,
  rsB: number,
  csB: number,
) => void;

/** The same, and what to do with a and b. */
type BinaryKernelOf = (
  out: number,
  a: number,
  b: number,
  rows: number,
  cols: number,
  rsA: number,
  csA: number,
  rsB: number,
  csB: number,
  kind: number,
) => void;
