import * as E from 'fp-ts/Either';
import { GraphBuilder } from '../../onnx/graph';
import { encodeModel } from '../../onnx/modelProto';
import { gemm, reduceMean } from '../../onnx/ops';
import type { Tensor, TensorRuntime } from '../../ports/tensorRuntime';

/** Wide enough for the units that would round: a card takes them for matrices of whole tiles. */
const width = 64;
/** Needs 13 bits of mantissa: float32 keeps it, TF32 (11 bits with the leading one) makes 1 of it. */
const fine = 1 + 2 ** -12;

const diagonal = (value: number): Tensor => ({
  dtype: 'float32',
  dims: [width, width],
  data: Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? value : 0)),
});

/**
 * Whether a runtime computes: the mean of each row of (1 + 2^-12) I times I, on the provider itself. A provider can load
 * and still lack what its first product or its first mean asks for (cuDNN), and a product can lose bits (TF32). Left:
 * what went wrong, in one line.
 */
export const tryRuntime = async (runtime: TensorRuntime): Promise<E.Either<string, void>> => {
  const b = new GraphBuilder('trial');
  const [x, y] = [b.input('x', 'float32', [width, width]), b.input('y', 'float32', [width, width])];
  b.output('means', reduceMean(b, gemm(b, x, y), [1], false));
  const program = await runtime.load(encodeModel(b.build()))();
  if (E.isLeft(program)) return E.left(oneLine(program.left.message));
  const got = await program.right.run({ x: diagonal(fine), y: diagonal(1) })();
  await program.right.release();
  if (E.isLeft(got)) return E.left(oneLine(got.left.message));
  const wrong = [...(got.right['means']?.data ?? [])].map(Number).find((mean) => mean !== fine / width);
  if (wrong === 1 / width) return E.left('it multiplies with 10 bits of mantissa (TF32) instead of 23');
  return wrong === undefined ? E.right(undefined) : E.left(`it computes ${wrong} where ${fine / width} is right`);
};

const longest = 200;

/** The runtime's messages carry whole signatures before the reason, and machine and source file behind it. */
const oneLine = (message: string): string => {
  const text = message.replaceAll(/\s+/g, ' ').trim();
  const reason = /(CUDA failure.*?|cuDNN is unavailable.*?)( ;|$)/.exec(text)?.[1] ?? text;
  return reason.length > longest ? `${reason.slice(0, longest)}...` : reason;
};
