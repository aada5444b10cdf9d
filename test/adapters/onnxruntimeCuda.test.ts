import * as E from 'fp-ts/Either';
import { cudaDeterminism, cudaVariables } from '../../src/adapters/onnxruntime/cudaDeterminism';
import { ortRuntime, quieten, sessionOptions } from '../../src/adapters/onnxruntime/tensorRuntime';
import { GraphBuilder } from '../../src/onnx/graph';
import { encodeModel } from '../../src/onnx/modelProto';

const variable = 'NVIDIA_TF32_OVERRIDE';
const options = { threads: 1, spin: false } as const;

beforeEach(() => {
  delete process.env[variable];
});
afterAll(() => {
  delete process.env[variable];
});

describe('ONNX Runtime on CUDA, without a card', () => {
  it('is asked for deterministic kernels, and the CPU for what it was always asked', () => {
    expect(sessionOptions({ ...options, device: 'cuda' })).toMatchObject({
      executionProviders: ['cuda'],
      extra: { session: { use_deterministic_compute: '1', intra_op: { allow_spinning: '0' } } },
    });
    expect(sessionOptions({ ...options, device: 'cpu' }).extra).toEqual({
      session: { intra_op: { allow_spinning: '0' } },
      optimization: { disable_specified_optimizers: 'GemmTransposeFusion' },
    });
  });

  it('has TF32 turned off in the environment of the process before a session can be made; the CPU changes nothing', () => {
    ortRuntime({ ...options, device: 'cpu' });
    expect(process.env[variable]).toBeUndefined();
    process.env[variable] = '1';
    ortRuntime({ ...options, device: 'cuda' });
    expect(process.env[variable]).toBe('0');
  });

  it('has both settings in what receipts say', () => {
    expect(cudaVariables).toEqual({ [variable]: '0' });
    expect(cudaDeterminism.split(', ')).toEqual(['session.use_deterministic_compute=1', `${variable}=0`]);
  });

  it('calls itself cuda, and loads a graph or refuses it as a value', async () => {
    quieten();
    const runtime = ortRuntime({ ...options, device: 'cuda' });
    expect([runtime.provider, runtime.version]).toEqual(['cuda', expect.stringMatching(/^1\.30\./)]);
    const b = new GraphBuilder('one');
    const x = b.input('x', 'float32', [2]);
    b.output('y', b.one('Add', [x, x]));
    const loaded = await runtime.load(encodeModel(b.build()))();
    const refused = { tag: 'GraphRefused', message: expect.stringMatching(/cuda/i) };
    expect(loaded).toEqual(E.isRight(loaded) ? loaded : E.left(refused));
    if (E.isRight(loaded)) await loaded.right.release();
  });
});
