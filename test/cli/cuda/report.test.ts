import { cudaReport, fetchProvider, fixText } from '../../../src/cli/cuda/report';
import {
  cudnn9,
  driver,
  driverFiles,
  folder,
  machine,
  provider,
  toolkit11,
  toolkit12,
  whole,
  type Described,
} from './machines';

const reportOf = (described: Described) => cudaReport(machine(described), folder);

const all = [
  'libcudart.so.12, libcublas.so.12, libcublasLt.so.12, libcurand.so.10',
  'libcudnn.so.9 and its parts',
  'libcufft.so.11',
].join(', ');

describe('a machine with nothing', () => {
  const report = reportOf({});

  it('lacks the provider, the libraries of CUDA 12 and cuDNN 9 (as documented), and a driver', () => {
    expect(report.wanted).toEqual({ cuda: 12, cudnn: 9, source: 'documented' });
    expect(report.provider.files.map(({ present }) => present)).toEqual([false, false]);
    expect(report.libraries).toHaveLength(14);
    expect(report.libraries.every(({ state, path }) => state === 'missing' && path === null)).toBe(true);
    expect(report.driver).toEqual({ version: null, gpu: null, oldest: 525 });
    expect(report.missing).toEqual([
      `no libonnxruntime_providers_cuda.so, libonnxruntime_providers_shared.so in ${folder}`,
      `not found: ${all}`,
      'no NVIDIA driver (in a container: start it with --gpus all)',
    ]);
  });

  it('is mended by one command', () => {
    expect(report.fix).toBe(
      `${fetchProvider} && sudo apt-get install -y cuda-libraries-12-9 libcudnn9-cuda-12 cuda-drivers`,
    );
    expect(fixText(report)).toContain("NVIDIA's package repository");
  });
});

describe('a machine with everything', () => {
  const report = reportOf(whole);

  it('lacks nothing, and tells versions, card and driver', () => {
    expect(report.missing).toEqual([]);
    expect([report.fix, fixText(report)]).toEqual([null, null]);
    expect(report.libraries.every(({ state }) => state === 'found')).toBe(true);
    expect(report.libraries.find(({ name }) => name === 'libcudart.so.12')).toEqual({
      name: 'libcudart.so.12',
      use: 'linked',
      state: 'found',
      path: '/usr/lib/x86_64-linux-gnu/libcudart.so.12',
      version: '12.4.127',
      others: [],
    });
    expect(report.driver).toEqual({ version: '550.54.15', gpu: 'NVIDIA H100 80GB HBM3', oldest: 525 });
  });

  it('takes from the provider what it links, and from the documents what it opens later', () => {
    expect(report.wanted).toEqual({ cuda: 12, cudnn: 9, source: 'provider' });
    const use = (kind: string) => report.libraries.filter((library) => library.use === kind).map(({ name }) => name);
    expect(use('linked')).toEqual(whole.links?.filter((name) => name !== 'libc.so.6'));
    expect(use('opened')).toEqual(expect.arrayContaining(['libcudnn.so.9', 'libcudnn_ops.so.9', 'libcufft.so.11']));
  });

  it('asks for the card that a session would take', () => {
    const outside = machine({ ...whole, variables: { CUDA_VISIBLE_DEVICES: '3,1' } });
    cudaReport(outside, folder);
    expect(outside.ran.filter((line) => line.startsWith('nvidia-smi'))).toEqual([expect.stringMatching(/ -i 3$/)]);
  });

  it('whose cards are hidden says so', () => {
    for (const hidden of ['', '-1']) {
      const found = reportOf({ ...whole, variables: { CUDA_VISIBLE_DEVICES: hidden } });
      expect(found.missing).toEqual(['CUDA_VISIBLE_DEVICES hides every card']);
      expect(found.fix).toBe('unset CUDA_VISIBLE_DEVICES');
    }
  });
});

describe('a machine whose provider is there but cuDNN is not', () => {
  it('lacks that alone', () => {
    const report = reportOf({ ...whole, files: { ...provider, ...toolkit12(), ...driverFiles } });
    expect(report.missing).toEqual(['not found: libcudnn.so.9 and its parts']);
    expect(report.fix).toBe('sudo apt-get install -y libcudnn9-cuda-12');
  });

  it('names the parts where only some are gone', () => {
    const { '/usr/lib/x86_64-linux-gnu/libcudnn_ops.so.9': _, ...rest } = cudnn9;
    const report = reportOf({ ...whole, files: { ...provider, ...toolkit12(), ...rest, ...driverFiles } });
    expect(report.missing).toEqual(['not found: libcudnn_ops.so.9']);
  });
});

describe('a machine with another major of CUDA', () => {
  it('CUDA 11, where 12 is wanted, is named', () => {
    const cached = Object.keys(toolkit11);
    const report = reportOf({ ...whole, files: { ...provider, ...toolkit11, ...cudnn9, ...driverFiles }, cached });
    expect(report.missing).toEqual([
      'CUDA 11 is installed (libcublasLt.so.11, libcublas.so.11, libcudart.so.11), CUDA 12 is wanted',
      'not found: libcublasLt.so.12, libcublas.so.12, libcudart.so.12, libcufft.so.11',
    ]);
    expect(report.fix).toBe('sudo apt-get install -y cuda-libraries-12-9');
  });

  it('a provider that links CUDA 13 wants 13, its cuFFT and a newer driver', () => {
    const links = ['libcublasLt.so.13', 'libcublas.so.13', 'libcurand.so.10', 'libcudart.so.13', 'libcuda.so.1'];
    const report = reportOf({ ...whole, links });
    expect(report.wanted).toEqual({ cuda: 13, cudnn: 9, source: 'provider' });
    expect(report.missing).toEqual([
      'CUDA 12 is installed (libcublasLt.so.12, libcublas.so.12, libcudart.so.12), CUDA 13 is wanted',
      'not found: libcublasLt.so.13, libcublas.so.13, libcudart.so.13, libcufft.so.12',
      'NVIDIA driver 550.54.15 is too old, 580 or newer is wanted',
    ]);
    expect(report.fix).toBe('sudo apt-get install -y cuda-libraries-13-0 cuda-drivers');
  });

  it('another major beside the right one is no trouble', () => {
    const files = { ...whole.files, ...toolkit11 };
    const report = reportOf({ ...whole, files, cached: Object.keys(toolkit11) });
    expect(report.missing).toEqual([]);
    expect(report.libraries.find(({ name }) => name === 'libcudart.so.12')?.others).toEqual(['libcudart.so.11']);
  });

  it('cuDNN 8, where 9 is wanted, is named', () => {
    const old = '/usr/lib/x86_64-linux-gnu/libcudnn.so.8';
    const report = reportOf({ ...whole, files: { ...provider, ...toolkit12(), ...driverFiles, [old]: `${old}.9.2` } });
    expect(report.missing[0]).toBe('cuDNN 8 is installed (libcudnn.so.8), cuDNN 9 is wanted');
  });
});

describe('where libraries lie', () => {
  const place = '/usr/local/cuda-12.4/lib64';
  const files = { ...provider, ...toolkit12(place), ...cudnn9, ...driverFiles };

  it('a toolkit that the loader does not look into is found, and is named with its folder', () => {
    const report = reportOf({ ...whole, files });
    expect(report.missing).toEqual([
      `found where the loader does not look: libcublasLt.so.12, libcublas.so.12, libcurand.so.10, libcudart.so.12, libcufft.so.11 in ${place}`,
    ]);
    expect(report.fix).toBe(`export LD_LIBRARY_PATH=${place}:$LD_LIBRARY_PATH`);
  });

  it.each([
    ['LD_LIBRARY_PATH', { variables: { LD_LIBRARY_PATH: `/nowhere:${place}` } }],
    ["the loader's cache", { cached: Object.keys(toolkit12(place)) }],
  ])('%s makes it found', (_, more) => {
    expect(reportOf({ ...whole, files, ...more }).missing).toEqual([]);
  });
});

describe('the driver', () => {
  const { smi: _, ...without } = whole;

  it.each([
    ['NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19', '535.104.05'],
    ['NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  560.35.03  Release', '560.35.03'],
  ])('is read from the kernel where nvidia-smi is not there: %s', (kernel, version) => {
    const report = reportOf({ ...without, kernel });
    expect(report.driver).toEqual({ version, gpu: null, oldest: 525 });
    expect(report.missing).toEqual([]);
  });

  it('that is too old is named with the oldest that works', () => {
    const report = reportOf({ ...whole, smi: '470.82.01, Tesla T4\n' });
    expect(report.missing).toEqual(['NVIDIA driver 470.82.01 is too old, 525 or newer is wanted']);
    expect(report.fix).toBe('sudo apt-get install -y cuda-drivers');
  });

  it('whose library is not in the container is named', () => {
    const report = reportOf({ ...whole, files: { ...provider, ...toolkit12(), ...cudnn9 }, ...driver });
    expect(report.missing).toEqual([expect.stringContaining('its libcuda.so.1 is not found')]);
  });
});

describe('another platform', () => {
  it.each([
    ['darwin', 'arm64'],
    ['win32', 'x64'],
    ['linux', 'arm64'],
  ])('%s %s: CUDA is for Linux x64 only, and nothing is run to look for it', (platform, arch) => {
    const outside = machine({ ...whole, platform, arch });
    const report = cudaReport(outside, folder);
    expect(report.missing).toEqual([
      `onnxruntime-node has a CUDA provider for Linux x64 only; this is ${platform} ${arch}`,
    ]);
    expect([report.supported, report.fix, report.libraries]).toEqual([false, null, []]);
    expect(outside.ran).toEqual([]);
  });
});
