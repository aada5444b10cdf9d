import type { OpName } from '../../onnx/opTable';
import type { GradientRule, Verdict } from '../rule';
import { elementwise } from './elementwise';
import { indexing } from './indexing';
import { linear } from './linear';
import { model } from './model';
import { reduction } from './reduction';

/** Every gradient rule; test/autodiff checks each on its own examples. */
export const rules: readonly GradientRule[] = [...elementwise, ...linear, ...reduction, ...indexing, ...model];

const ruleOf = (op: OpName): Verdict => {
  const rule = rules.find((candidate) => candidate.op === op);
  return rule === undefined ? 'refuse' : { rule };
};

/** A verdict on every operator. `refuse`: differentiable in principle, but nothing of ours needs it, so nobody wrote it. */
export const verdicts: Readonly<Record<OpName, Verdict>> = {
  Identity: ruleOf('Identity'),
  Add: ruleOf('Add'),
  Sub: ruleOf('Sub'),
  Mul: ruleOf('Mul'),
  Div: ruleOf('Div'),
  Min: 'refuse',
  Neg: ruleOf('Neg'),
  Sqrt: ruleOf('Sqrt'),
  Exp: ruleOf('Exp'),
  Sigmoid: ruleOf('Sigmoid'),
  MatMul: ruleOf('MatMul'),
  Gemm: ruleOf('Gemm'),
  Reshape: ruleOf('Reshape'),
  Transpose: ruleOf('Transpose'),
  Expand: ruleOf('Expand'),
  ReduceSum: ruleOf('ReduceSum'),
  ReduceSumSquare: ruleOf('ReduceSumSquare'),
  ReduceMean: ruleOf('ReduceMean'),
  SimplifiedLayerNormalization: ruleOf('SimplifiedLayerNormalization'),
  SkipSimplifiedLayerNormalization: 'refuse',
  RotaryEmbedding: ruleOf('RotaryEmbedding'),
  Softmax: ruleOf('Softmax'),
  LogSoftmax: ruleOf('LogSoftmax'),
  SoftmaxCrossEntropyLoss: ruleOf('SoftmaxCrossEntropyLoss'),
  Gather: ruleOf('Gather'),
  GatherElements: 'refuse',
  Compress: 'refuse',
  ScatterND: 'refuse',
  ScatterElements: 'refuse',
  OneHot: 'noGradient',
  Concat: 'refuse',
  Split: 'refuse',
  Where: ruleOf('Where'),
  Cast: ruleOf('Cast'),
  Less: 'noGradient',
  Equal: 'noGradient',
  Or: 'noGradient',
  TopK: 'refuse',
  CumSum: 'refuse',
  Loop: 'refuse',
};
