/**
 * The instructions of a program, read by both compilers. A program is a sequence of u32 words
 *
 *     [ opcode | length in words, these two included | operands … ]
 *
 * and every opcode's operands are the parameters of the kernel of the same name, in order
 * (`src/kernels.ts` is their contract). `Sgd`, `SgdMomentum`, `Adam` and `Increment` take any number
 * of parts: the outputs of every part, then the inputs of every part. The values are dense, so that
 * the run loops compile to jump tables.
 */
export const enum Opcode {
  Copy,
  Fill,
  StridedCopy,
  StridedPlace,
  Take,
  TakeAdd,
  Gather,
  ScatterAdd,
  Argsort,
  Increment,
  OneHot,

  Add,
  Sub,
  Mul,
  Div,
  Maximum,
  Minimum,
  Equal,
  MaximumShare,

  Neg,
  Exp,
  Log,
  Sqrt,
  Sigmoid,
  Tanh,
  Relu,
  SigmoidBackward,
  TanhBackward,
  ReluBackward,

  Compare,
  CompareIntegers,
  Integers,
  Select,
  SelectWords,
  ToFloat,
  ToInteger,
  Abs,
  Sign,
  Floor,
  Ceil,
  Round,

  Sum,
  Mean,
  Max,
  Min,
  Cumsum,
  Argmax,

  Gemm,
  GemmBatched,

  Softmax,
  SoftmaxBackward,
  SoftmaxCrossEntropyForward,
  SoftmaxCrossEntropyBackward,
  BatchNormForward,
  BatchNormEval,
  BatchNormBackward,
  RmsNorm,
  RmsNormBackward,

  Unfold,
  Fold,
  Conv2dForward,
  Conv2dInputGradient,
  Conv2dWeightGradient,
  MaxPool,
  PoolGather,
  PoolScatter,
  AvgPool,
  AvgPoolBackward,

  RandomBits,
  Uniform,
  Normal,
  Dropout,

  Sgd,
  SgdMomentum,
  Adam,

  Log1p,
  Expm1,
  Sin,
  Cos,
  Tan,
  Sinh,
  Cosh,
  Atan,
  Erf,
  Pow,
  Atan2,
  Hypot,

  Silu,
  SiluBackward,
  Gelu,
  GeluBackward,
  GeluTanh,
  GeluTanhBackward,

  Chain,
  SumBlocks,
  GemmBackward,
  GemmSums,
  CausalSoftmax,
  CausalSoftmaxBackward,
  GeluForward,

  /** Where the threads of a run wait for one another; see `barrier` in run.ts. */
  Barrier,

  CheckFinite,
  Statistics,
  Norm,

  LayerNormForward,
  LayerNormBackward,

  /** Not an instruction: how many there are. */
  Count,
}

/** What `compare` and `compareIntegers` ask of a and b. */
export const enum Comparison {
  Equal,
  NotEqual,
  Less,
  LessEqual,
}

/** What `integers` does with a and b. */
export const enum IntegerOperation {
  Add,
  Sub,
  Mul,
  Maximum,
  Minimum,
}

/** What an epilogue of a GEMM applies to every entry, last: f, or with y = f(x) from elsewhere f′. */
export const enum Activation {
  None,
  Relu,
  Sigmoid,
  Tanh,
  ReluBackward,
  SigmoidBackward,
  TanhBackward,
}

/** Why a run stopped before its end: the first word of the status block. */
export const enum Refusal {
  None,
  /** A label or index outside its range; position and value tell which. */
  IndexOutOfRange,
  /** An instruction of a debug program made a NaN or an infinity; position tells which element. */
  NonFinite,
}
