import * as E from 'fp-ts/Either';
import * as TE from 'fp-ts/TaskEither';
import { ortRuntime } from '../../../src/adapters/onnxruntime/tensorRuntime';
import { cudaChecks, graphPlaces, type GraphPlaces } from '../../../src/cli/cuda/checks';
import { settle, tryCuda } from '../../../src/cli/cuda/device';
import { cudaEnvironment } from '../../../src/cli/cuda/environment';
import { cudaReport } from '../../../src/cli/cuda/report';
import { tinyGraphs } from '../../../src/cli/cuda/tinyGraphs';
import { tryRuntime } from '../../../src/cli/cuda/trial';
import { Stop } from '../../../src/cli/faults';
import { GraphBuilder } from '../../../src/onnx/graph';
import { reduceMean } from '../../../src/onnx/ops';
import type { RuntimeError, TensorRuntime } from '../../../src/ports/tensorRuntime';
import { float } from '../../support/running';
import { driverFiles, folder, machine, provider, toolkit12, whole, type Described } from './machines';

const fine = 1 + 2 ** -12;

/** A runtime whose means are these, all alike. */
const answering = (mean: number): TensorRuntime => ({
  provider: 'cuda',
  version: '0',
  load: () =>
    TE.right({
      run: () => TE.right({ means: float([64], new Float32Array(64).fill(mean)) }),
      release: () => Promise.resolve(),
    }),
});

const failing = (at: 'load' | 'run', message: string): TensorRuntime => ({
  provider: 'cuda',
  version: '0',
  load: () => {
    const error: RuntimeError = { tag: at === 'load' ? 'GraphRefused' : 'RunFailed', message };
    return at === 'load' ? TE.left(error) : TE.right({ run: () => TE.left(error), release: () => Promise.resolve() });
  },
});

describe('the trial', () => {
  it('is passed by the CPU', async () => {
    expect(await tryRuntime(ortRuntime({ device: 'cpu', threads: 1, spin: false }))).toEqual(E.right(undefined));
  });

  it('tells TF32, whose products have 10 bits of mantissa, from a wrong result', async () => {
    expect(await tryRuntime(answering(fine / 64))).toEqual(E.right(undefined));
    expect(await tryRuntime(answering(1 / 64))).toEqual(E.left(expect.stringContaining('TF32')));
    expect(await tryRuntime(answering(0))).toEqual(E.left(`it computes 0 where ${fine / 64} is right`));
  });

  it('gives the reason out of a long message, without machine and file', async () => {
    const long = `/onnxruntime_src/cuda_call.cc:154 std::conditional_t<...> [with ERRTYPE = cudaError]\nCUDA failure 35: driver too old ; GPU=0 ; hostname=h ; file=f.cc\n\n`;
    expect(await tryRuntime(failing('load', long))).toEqual(E.left('CUDA failure 35: driver too old'));
    const cudnn = 'Non-zero status code while running ReduceMean. cuDNN is unavailable for CUDA: dlopen failed';
    expect(await tryRuntime(failing('run', cudnn))).toEqual(E.left('cuDNN is unavailable for CUDA: dlopen failed'));
    const other = await tryRuntime(failing('run', 'x'.repeat(500)));
    expect(E.isLeft(other) && other.left.length).toBe(203);
  });
});

/** tripost's own copy of the provider is not on this machine's description, so its folder is taken from the report. */
const placed = (described: Described): Described => {
  const own = cudaReport(machine({})).provider.folder;
  const files = Object.entries(described.files ?? {}).map(([path, real]) => [path.replace(folder, own), real]);
  return { ...described, files: Object.fromEntries(files) };
};

describe('looking for CUDA', () => {
  const mustNot = (): TensorRuntime => {
    throw new Error('the runtime was opened');
  };

  it('loads nothing where the provider is not installed', async () => {
    const { reasons, report } = await tryCuda(mustNot, machine({}));
    expect(reasons).toEqual(report.missing);
    expect(reasons.length).toBe(3);
  });

  it('loads nothing on another platform', async () => {
    const { reasons } = await tryCuda(mustNot, machine({ ...whole, platform: 'darwin', arch: 'arm64' }));
    expect(reasons).toEqual([expect.stringContaining('Linux x64 only')]);
  });

  it('computes before it says that CUDA is there', async () => {
    const found = await tryCuda(() => answering(fine / 64), machine(placed(whole)));
    expect(found.reasons).toEqual([]);
    const wrong = await tryCuda(() => answering(1 / 64), machine(placed(whole)));
    expect(wrong.reasons).toEqual([expect.stringContaining('TF32')]);
  });

  it('puts what is missing behind what the runtime said', async () => {
    const described = placed({ ...whole, files: { ...provider, ...toolkit12(), ...driverFiles } });
    const { reasons } = await tryCuda(() => failing('run', 'cuDNN is unavailable'), machine(described));
    expect(reasons).toEqual(['cuDNN is unavailable', 'not found: libcudnn.so.9 and its parts']);
  });
});

describe('settling a device', () => {
  const found = { report: cudaReport(machine(whole), folder), reasons: [] };
  const missing = {
    report: cudaReport(machine({}), folder),
    reasons: ['no NVIDIA driver', 'not found: libcudart.so.12'],
  };

  it('auto takes CUDA where it computes, and says which card', () => {
    expect(settle('auto', found)).toEqual({
      device: 'cuda',
      line: 'device: cuda (NVIDIA H100 80GB HBM3, driver 550.54.15, CUDA 12.4.127)',
    });
  });

  it('auto takes the CPU elsewhere, and says why', () => {
    const { device, line } = settle('auto', missing);
    expect(device).toBe('cpu');
    expect(line).toMatch(/^device: cpu \(CUDA does not compute here: no NVIDIA driver; not found: libcudart\.so\.12; /);
  });

  it('cuda is taken without a word, or is a fault with all reasons and the one command', () => {
    expect(settle('cuda', found)).toEqual({ device: 'cuda', line: undefined });
    const fault = E.tryCatch(
      () => settle('cuda', missing),
      (thrown) => (thrown instanceof Stop ? thrown.fault : thrown),
    );
    expect(fault).toEqual(
      E.left({
        tag: 'CudaUnavailable',
        reasons: missing.reasons,
        fix: expect.stringContaining('ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node && sudo apt-get'),
      }),
    );
  });
});

describe('what a receipt says of CUDA', () => {
  it('card, driver, versions of the libraries that were found, and the settings', () => {
    const files = { ...provider, ...toolkit12(), ...driverFiles };
    expect(cudaEnvironment(cudaReport(machine({ ...whole, files }), folder))).toEqual({
      gpu: 'NVIDIA H100 80GB HBM3',
      driver: '550.54.15',
      libraries: {
        'libcuda.so.1': '550.54.15',
        'libcublas.so.12': '12.4.5.8',
        'libcublasLt.so.12': '12.4.5.8',
        'libcudart.so.12': '12.4.127',
        'libcurand.so.10': '10.3.5.147',
        'libcufft.so.11': '11.2.1.3',
      },
      determinism: 'session.use_deterministic_compute=1, NVIDIA_TF32_OVERRIDE=0',
    });
  });
});

describe("doctor's rows on CUDA", () => {
  const none: GraphPlaces = { training: 3, decoding: 2, onCpu: [], open: {} };
  const rows = (described: Described, reasons?: readonly string[]) => {
    const report = cudaReport(machine(described), folder);
    return cudaChecks({ report, reasons: reasons ?? report.missing }, none);
  };
  const statuses = (described: Described): readonly string[] =>
    rows(described).map(({ name, status }) => `${name}: ${status}`);

  it('nothing there: notes, never failures, and the fix stands once', () => {
    expect(statuses({})).toEqual([
      'provider cuda: note',
      'cuda provider: note',
      'cuda libraries: note',
      'cuda driver: note',
      'cuda graphs: ok',
    ]);
    expect(rows({}).map(({ fix }) => fix !== null)).toEqual([true, false, false, false, false]);
  });

  it('everything there', () => {
    expect(rows(whole).map(({ status }) => status)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
    expect(rows(whole)[2]?.detail).toMatch(
      /^wanted: CUDA 12 and cuDNN 9, as the provider links them; found: libcublasLt\.so\.12 = 12\.4\.5\.8, /,
    );
    expect(rows(whole)[3]?.detail).toBe('NVIDIA 550.54.15, NVIDIA H100 80GB HBM3 (wanted: 525 or newer)');
  });

  it('the provider there, but not cuDNN', () => {
    const described = { ...whole, files: { ...provider, ...toolkit12(), ...driverFiles } };
    expect(statuses(described)).toEqual([
      'provider cuda: note',
      'cuda provider: ok',
      'cuda libraries: note',
      'cuda driver: ok',
      'cuda graphs: ok',
    ]);
    expect(rows(described)[2]?.detail).toContain('missing: libcudnn.so.9 and its parts');
  });

  it('the driver there, but no card', () => {
    const { smi: _, ...without } = whole;
    const [, , , driver] = rows({ ...without, kernel: 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05' });
    expect([driver?.status, driver?.detail]).toEqual(['note', expect.stringContaining('no card')]);
  });

  it('another platform: one sentence, and the graphs', () => {
    expect(statuses({ platform: 'darwin', arch: 'arm64' })).toEqual(['provider cuda: note', 'cuda graphs: ok']);
  });

  it('says what is left open, and which nodes would run on the CPU', () => {
    const places = graphPlaces(tinyGraphs());
    expect(places.onCpu).toEqual([]);
    expect([places.training, places.decoding].every((nodes) => nodes > 50)).toBe(true);
    expect(Object.keys(places.open)).toEqual(['TopK']);
    const b = new GraphBuilder('falling');
    b.output('mean', reduceMean(b, b.input('counts', 'int64', [2, 3]), [1], false));
    const falling = graphPlaces({ training: [b.build()], decoding: [] });
    const row = cudaChecks({ report: cudaReport(machine({}), folder), reasons: ['x'] }, falling).at(-1);
    expect(row).toMatchObject({
      status: 'note',
      detail: expect.stringContaining(
        '1 would run on the CPU, by the list of ONNX Runtime 1.30: ReduceMean of int64 (ReduceMean)',
      ),
    });
  });
});
