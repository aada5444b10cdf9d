import { dirname, join } from 'node:path';
import { findLibraries, namesOf, wantedBy, type Library, type Wanted } from './libraries';
import type { Outside } from './outside';

/** Everything that CUDA needs, and what of it is on this machine. `doctor --json` prints it. */
export interface CudaReport {
  /** `linux x64`, the only one that there is a CUDA provider for. */
  readonly platform: string;
  readonly supported: boolean;
  readonly wanted: Wanted;
  readonly provider: {
    readonly folder: string;
    readonly files: readonly { readonly name: string; readonly present: boolean }[];
  };
  readonly libraries: readonly Library[];
  readonly driver: { readonly version: string | null; readonly gpu: string | null; readonly oldest: number };
  /** What stands in the way, one sentence each; none where nothing was found to. */
  readonly missing: readonly string[];
  /** One command that installs what is missing. */
  readonly fix: string | null;
}

/** The one line that fetches the provider; .npmrc has it too. */
export const fetchProvider = 'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node';

const providerFiles = ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'];

/** The folder of onnxruntime-node, or where npm would put it. */
const ortFolder = (): string => {
  try {
    return dirname(require.resolve('onnxruntime-node/package.json'));
  } catch {
    return join('node_modules', 'onnxruntime-node');
  }
};

/** Where onnxruntime-node keeps the native part of this platform. */
const providerFolder = ({ platform, arch }: Outside): string => join(ortFolder(), 'bin', 'napi-v6', platform, arch);

/** Oldest driver for each major of CUDA (NVIDIA, CUDA Compatibility, table 1). */
const oldestDriver = (cuda: number): number => (cuda >= 13 ? 580 : 525);

/** The card that a session takes: the first visible one. */
const firstVisible = (outside: Outside): string | undefined => outside.variable('CUDA_VISIBLE_DEVICES')?.split(',')[0];

/** CUDA_VISIBLE_DEVICES is set, and to no card. */
const hidden = (outside: Outside): boolean => ['', '-1'].includes(firstVisible(outside) ?? '0');

const driverOf = (outside: Outside): { readonly version: string | null; readonly gpu: string | null } => {
  const only = hidden(outside) ? [] : ['-i', firstVisible(outside) ?? '0'];
  const query = ['--query-gpu=driver_version,name', '--format=csv,noheader', ...only];
  const [listed = ''] = (outside.output('nvidia-smi', query) ?? '').split('\n');
  const [, version, gpu] = /^\s*([\d.]+)\s*,\s*(.+?)\s*$/.exec(listed) ?? [];
  const kernel = outside.text('/proc/driver/nvidia/version') ?? '';
  const [, loaded] = /Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)/.exec(kernel) ?? [];
  return { version: version ?? loaded ?? null, gpu: gpu ?? null };
};

const named = (libraries: readonly Library[]): string => namesOf(libraries).join(', ');

const uniqueMajors = (libraries: readonly Library[], stems: readonly string[]): readonly string[] => {
  const mine = libraries.filter(({ name }) => stems.some((stem) => name.startsWith(`${stem}.so.`)));
  return [...new Set(mine.flatMap(({ others }) => others.map((other) => other.slice(other.lastIndexOf('.') + 1))))];
};

/** `CUDA 13 is installed, 12 is wanted`, where other majors stand in the place of missing libraries. */
const mismatches = (missing: readonly Library[], { cuda, cudnn }: Wanted): readonly string[] => {
  const others = (what: string, stems: readonly string[], major: number): readonly string[] => {
    const found = uniqueMajors(missing, stems);
    const files = missing.filter(({ name }) => stems.some((stem) => name.startsWith(`${stem}.so.`)));
    if (found.length === 0) return [];
    const seen = [...new Set(files.flatMap((library) => library.others))].join(', ');
    return [`${what} ${found.join(' and ')} is installed (${seen}), ${what} ${major} is wanted`];
  };
  return [...others('CUDA', ['libcudart', 'libcublas', 'libcublasLt'], cuda), ...others('cuDNN', ['libcudnn'], cudnn)];
};

const isDriver = ({ name }: Library): boolean => name.startsWith('libcuda.so');
const isCudnn = ({ name }: Library): boolean => name.startsWith('libcudnn');

const tooOld = ({ version, oldest }: CudaReport['driver']): boolean =>
  version !== null && Number(version.split('.')[0]) < oldest;

const driverTrouble = (
  outside: Outside,
  driver: CudaReport['driver'],
  libraries: readonly Library[],
): string | undefined => {
  const { version, oldest } = driver;
  if (version === null) return 'no NVIDIA driver (in a container: start it with --gpus all)';
  if (tooOld(driver)) return `NVIDIA driver ${version} is too old, ${oldest} or newer is wanted`;
  if (libraries.some((library) => isDriver(library) && library.state === 'missing'))
    return `NVIDIA driver ${version} is loaded, but its libcuda.so.1 is not found (in a container: start it with --gpus all)`;
  if (hidden(outside)) return 'CUDA_VISIBLE_DEVICES hides every card';
  return undefined;
};

/** Debian's names in NVIDIA's own repository; the last CUDA 12 is 12.9. */
const packagesFor = (missing: readonly Library[], { cuda, cudnn }: Wanted): readonly string[] => {
  const toolkit = missing.filter((library) => !isCudnn(library));
  return [
    ...(toolkit.length > 0 ? [`cuda-libraries-${cuda}-${cuda === 12 ? 9 : 0}`] : []),
    ...(missing.some(isCudnn) ? [`libcudnn${cudnn}-cuda-${cuda}`] : []),
  ];
};

/** The command, and where its packages are to be had. */
export const fixText = ({ fix }: CudaReport): string | null =>
  fix?.includes('apt-get') === true ? `${fix} (NVIDIA's package repository for Debian and Ubuntu)` : fix;

/** Looks for the provider's files, for the libraries that it needs and for the driver. Changes nothing, loads nothing. */
export const cudaReport = (outside: Outside, folder = providerFolder(outside)): CudaReport => {
  const platform = `${outside.platform} ${outside.arch}`;
  const supported = platform === 'linux x64';
  const there = new Set(outside.names(folder));
  const files = providerFiles.map((name) => ({ name, present: there.has(name) }));
  const [provider = ''] = providerFiles;
  const { wanted, names } = wantedBy(there.has(provider) ? outside.links(join(folder, provider)) : []);
  const oldest = oldestDriver(wanted.cuda);
  if (!supported) {
    return {
      platform,
      supported,
      wanted,
      provider: { folder, files },
      libraries: [],
      driver: { version: null, gpu: null, oldest },
      missing: [`onnxruntime-node has a CUDA provider for Linux x64 only; this is ${platform}`],
      fix: null,
    };
  }
  const libraries = findLibraries(outside, names);
  const driver = { ...driverOf(outside), oldest };
  const absent = files.filter(({ present }) => !present).map(({ name }) => name);
  const lacking = libraries.filter((library) => library.state === 'missing' && !isDriver(library));
  const misplaced = libraries.filter(({ state }) => state === 'elsewhere');
  const trouble = driverTrouble(outside, driver, libraries);
  const folders = [...new Set(misplaced.flatMap(({ path }) => (path === null ? [] : [dirname(path)])))];
  const packages = [
    ...packagesFor(lacking, wanted),
    ...(driver.version === null || tooOld(driver) ? ['cuda-drivers'] : []),
  ];
  const commands = [
    ...(absent.length > 0 ? [fetchProvider] : []),
    ...(packages.length > 0 ? [`sudo apt-get install -y ${packages.join(' ')}`] : []),
    ...(folders.length > 0 ? [`export LD_LIBRARY_PATH=${folders.join(':')}:$LD_LIBRARY_PATH`] : []),
    ...(hidden(outside) ? ['unset CUDA_VISIBLE_DEVICES'] : []),
  ];
  return {
    platform,
    supported,
    wanted,
    provider: { folder, files },
    libraries,
    driver,
    missing: [
      ...(absent.length > 0 ? [`no ${absent.join(', ')} in ${folder}`] : []),
      ...mismatches(lacking, wanted),
      ...(lacking.length > 0 ? [`not found: ${named(lacking)}`] : []),
      ...(misplaced.length > 0
        ? [`found where the loader does not look: ${named(misplaced)} in ${folders.join(', ')}`]
        : []),
      ...(trouble === undefined ? [] : [trouble]),
    ],
    fix: commands.length === 0 ? null : commands.join(' && '),
  };
};
