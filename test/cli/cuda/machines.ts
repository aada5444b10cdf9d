import { dirname, basename } from 'node:path';
import type { Outside } from '../../../src/cli/cuda/outside';

export interface Described {
  readonly platform?: string;
  readonly arch?: string;
  /** Files, each with the file behind its links. */
  readonly files?: Readonly<Record<string, string>>;
  /** Of these, the ones that the loader's cache lists. */
  readonly cached?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  /** What nvidia-smi prints. */
  readonly smi?: string;
  readonly kernel?: string;
  /** What the provider's file links. */
  readonly links?: readonly string[];
}

/** A machine in words, and what was run on it. */
export const machine = (described: Described): Outside & { readonly ran: readonly string[] } => {
  const { files = {}, cached = [], variables = {} } = described;
  const ran: string[] = [];
  return {
    platform: described.platform ?? 'linux',
    arch: described.arch ?? 'x64',
    variable: (name) => variables[name],
    text: (path) => (path === '/proc/driver/nvidia/version' ? described.kernel : undefined),
    names: (folder) => [
      ...new Set(
        Object.keys(files).flatMap((path) => {
          if (dirname(path) === folder) return [basename(path)];
          return path.startsWith(`${folder}/`) ? [path.slice(folder.length + 1).split('/')[0] ?? ''] : [];
        }),
      ),
    ],
    realPath: (path) => files[path],
    links: () => described.links ?? [],
    output: (command, args) => {
      ran.push([command, ...args].join(' '));
      if (command === 'nvidia-smi') return described.smi;
      if (command !== '/sbin/ldconfig') return undefined;
      return [
        '2 libs found in cache',
        ...cached.map((path) => `\t${basename(path)} (libc6,x86-64) => ${path}`),
        '',
      ].join('\n');
    },
    ran,
  };
};

export const folder = '/app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64';

export const provider = {
  [`${folder}/libonnxruntime_providers_cuda.so`]: `${folder}/libonnxruntime_providers_cuda.so`,
  [`${folder}/libonnxruntime_providers_shared.so`]: `${folder}/libonnxruntime_providers_shared.so`,
};

const at = (place: string, entries: readonly (readonly [string, string])[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    entries.map(([name, version]) => [`${place}/${name}`, `${place}/${name.replace(/\.\d+$/, '')}.${version}`]),
  );

const lib = '/usr/lib/x86_64-linux-gnu';

export const toolkit12 = (place = lib): Readonly<Record<string, string>> =>
  at(place, [
    ['libcudart.so.12', '12.4.127'],
    ['libcublas.so.12', '12.4.5.8'],
    ['libcublasLt.so.12', '12.4.5.8'],
    ['libcurand.so.10', '10.3.5.147'],
    ['libcufft.so.11', '11.2.1.3'],
  ]);

export const toolkit11 = at('/usr/local/cuda-11.8/lib64', [
  ['libcudart.so.11', '11.8.89'],
  ['libcublas.so.11', '11.11.3.6'],
  ['libcublasLt.so.11', '11.11.3.6'],
  ['libcurand.so.10', '10.3.0.86'],
  ['libcufft.so.10', '10.9.0.58'],
]);

export const cudnn9 = at(
  lib,
  ['', '_graph', '_ops', '_heuristic', '_cnn', '_adv', '_engines_precompiled', '_engines_runtime_compiled'].map(
    (part) => [`libcudnn${part}.so.9`, '9.1.1'] as const,
  ),
);

export const driverFiles = { [`${lib}/libcuda.so.1`]: `${lib}/libcuda.so.550.54.15` };
export const driver = { smi: '550.54.15, NVIDIA H100 80GB HBM3\n' };

/** All that CUDA needs. */
export const whole: Described = {
  files: { ...provider, ...toolkit12(), ...cudnn9, ...driverFiles },
  links: ['libcublasLt.so.12', 'libcublas.so.12', 'libcurand.so.10', 'libcudart.so.12', 'libcuda.so.1', 'libc.so.6'],
  ...driver,
};
