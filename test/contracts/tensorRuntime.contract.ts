import * as E from 'fp-ts/Either';
import { onnx } from 'onnx-proto';
import { GraphBuilder } from '../../src/onnx/graph';
import { encodeModel } from '../../src/onnx/modelProto';
import { scale } from '../../src/onnx/ops';
import { opTable } from '../../src/onnx/opTable';
import type { Program, RuntimeError, Tensor, TensorRuntime } from '../../src/ports/tensorRuntime';
import { opCases } from '../support/opCases';
import { fromTensor, type PlainTensor } from '../support/plainTensor';
import { evaluate } from '../support/referenceRuntime';
import { loadOrThrow, runOrThrow } from '../support/running';

/** Float results within float32 of the reference, everything else exactly. */
const expectClose = (got: Tensor | undefined, expected: PlainTensor): void => {
  if (got === undefined) throw new Error('an output is missing');
  expect({ dtype: got.dtype, dims: [...got.dims] }).toEqual({ dtype: expected.dtype, dims: [...expected.dims] });
  const { data } = fromTensor(got);
  const size = Math.max(0, ...expected.data.map(Math.abs).filter((v) => v < 1e6));
  const tolerance = expected.dtype.startsWith('float') ? 2e-6 * Math.max(1, size) : 0;
  data.forEach((value, i) => {
    const wanted = expected.data[i] ?? Number.NaN;
    const allowed = Math.abs(wanted) < 1e6 ? tolerance : 1e-6 * Math.abs(wanted);
    if (!(Math.abs(value - wanted) <= allowed)) throw new Error(`element ${i}: expected ${wanted}, got ${value}`);
  });
};

const doubling = () => {
  const b = new GraphBuilder('doubling');
  b.output('y', scale(b, b.input('x', 'float32', [2]), 2));
  return b.build();
};

const x: Tensor = { dtype: 'float32', dims: [2], data: Float32Array.of(1, -3) };

/** The model of `doubling` with its Mul replaced by another operator. */
const withOperator = (op: string): Uint8Array => {
  const model = onnx.ModelProto.decode(encodeModel(doubling()));
  const [node] = model.graph?.node ?? [];
  if (!node) throw new Error('the model has no node');
  node.opType = op;
  return onnx.ModelProto.encode(model).finish();
};

/** What every TensorRuntime does. `open` is called once per test. */
export const tensorRuntimeContract = (name: string, open: () => TensorRuntime): void => {
  const failure = async (
    runtime: TensorRuntime,
    feeds: Readonly<Record<string, Tensor>>,
  ): Promise<E.Either<RuntimeError, unknown>> => {
    const program = await loadOrThrow(runtime, doubling());
    const result = await program.run(feeds)();
    await program.release();
    return result;
  };

  const refused = (tag: RuntimeError['tag'], part: RegExp) => E.left({ tag, message: expect.stringMatching(part) });

  describe(`TensorRuntime contract: ${name}`, () => {
    for (const { name: title, graph, feeds } of opCases)
      it(`computes ${title}`, async () => {
        const expected = evaluate(graph, Object.fromEntries(Object.entries(feeds).map(([k, v]) => [k, fromTensor(v)])));
        const program = await loadOrThrow(open(), graph);
        const got = await runOrThrow(program, feeds);
        expect(Object.keys(got).sort()).toEqual(Object.keys(expected).sort());
        for (const [output, tensor] of Object.entries(expected)) expectClose(got[output], tensor);
        await program.release();
      });

    it('has a case for every operator', () => {
      const covered = new Set<string>(opCases.map(({ op }) => op));
      expect(Object.keys(opTable).filter((op) => !covered.has(op))).toEqual([]);
    });

    it('says who computes', () => {
      expect(open()).toMatchObject({
        provider: expect.stringMatching(/./),
        version: expect.stringMatching(/./),
      });
    });

    it('gives the same bytes again, and leaves the feeds as they were', async () => {
      const program: Program = await loadOrThrow(open(), doubling());
      const first = await runOrThrow(program, { x });
      const second = await runOrThrow(program, { x });
      expect(first['y']?.data).toEqual(Float32Array.of(2, -6));
      expect(second['y']?.data).toEqual(Float32Array.of(2, -6));
      expect(x.data).toEqual(Float32Array.of(1, -3));
      await program.release();
    });

    it('keeps an earlier result when it runs again', async () => {
      const program = await loadOrThrow(open(), doubling());
      const first = await runOrThrow(program, { x });
      await runOrThrow(program, { x: { ...x, data: Float32Array.of(5, 5) } });
      expect(first['y']?.data).toEqual(Float32Array.of(2, -6));
      await program.release();
    });

    it('writes an output into the place that it is given, and nothing beside it; others get their own', async () => {
      const b = new GraphBuilder('two');
      const input = b.input('x', 'float32', [2]);
      b.output('y', scale(b, input, 2));
      b.output('z', scale(b, input, 3));
      const program = await loadOrThrow(open(), b.build());
      const whole = Float32Array.of(9, 9, 9, 9, 9);
      const into: Tensor = { dtype: 'float32', dims: [2], data: whole.subarray(1, 3) };
      for (const [first, second] of [
        [1, -3],
        [5, 7],
      ] as const) {
        const fed = { ...x, data: Float32Array.of(first, second) };
        const got = await program.run({ x: fed }, { y: into })();
        if (E.isLeft(got)) throw new Error(got.left.message);
        expect(Object.keys(got.right).sort()).toEqual(['y', 'z']);
        expect(got.right['y']?.data).toEqual(Float32Array.of(2 * first, 2 * second));
        expect(got.right['z']?.data).toEqual(Float32Array.of(3 * first, 3 * second));
        expect(whole).toEqual(Float32Array.of(9, 2 * first, 2 * second, 9, 9));
      }
      await program.release();
    });

    it('runs two programs side by side', async () => {
      const runtime = open();
      const programs = await Promise.all([loadOrThrow(runtime, doubling()), loadOrThrow(runtime, doubling())]);
      const results = await Promise.all(programs.map((program) => runOrThrow(program, { x })));
      expect(results.map((result) => result['y']?.data)).toEqual([Float32Array.of(2, -6), Float32Array.of(2, -6)]);
      await Promise.all(programs.map((program) => program.release()));
    });

    it('refuses a graph with an operator that it lacks, and names it', async () => {
      expect(await open().load(withOperator('NoSuchOperator'))()).toEqual(refused('GraphRefused', /NoSuchOperator/));
    });

    it('refuses bytes that are not a model', async () => {
      expect(await open().load(Uint8Array.of(255, 254, 253, 1, 2, 3))()).toEqual(refused('GraphRefused', /./));
    });

    it('refuses an empty model', async () => {
      expect(await open().load(new Uint8Array())()).toEqual(refused('GraphRefused', /./));
    });

    it('fails a run without one of its feeds, and names it', async () => {
      expect(await failure(open(), {})).toEqual(refused('RunFailed', /'x'|"x"/));
    });

    it('fails a run with a feed of another type', async () => {
      expect(await failure(open(), { x: { dtype: 'int64', dims: [2], data: BigInt64Array.of(1n, 2n) } })).toEqual(
        refused('RunFailed', /./),
      );
    });

    it('fails a run with a feed of another shape', async () => {
      expect(await failure(open(), { x: { dtype: 'float32', dims: [3], data: Float32Array.of(1, 2, 3) } })).toEqual(
        refused('RunFailed', /./),
      );
    });

    it('works again behind a failed run', async () => {
      const program = await loadOrThrow(open(), doubling());
      await program.run({})();
      expect((await runOrThrow(program, { x }))['y']?.data).toEqual(Float32Array.of(2, -6));
      await program.release();
    });
  });
};
