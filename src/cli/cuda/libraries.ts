import { basename, join } from 'node:path';
import type { Outside } from './outside';

/** A shared library that the CUDA provider needs, and what of it is on the machine. */
export interface Library {
  /** `libcudart.so.12`. */
  readonly name: string;
  /** `linked`: without it the provider does not load. `opened`: when an operator first asks for it. */
  readonly use: 'linked' | 'opened';
  /** `elsewhere`: there, but where the loader does not look. */
  readonly state: 'found' | 'elsewhere' | 'missing';
  readonly path: string | null;
  /** From the name of the file behind the links; null where the name has none. */
  readonly version: string | null;
  /** The same library of other majors, as found. */
  readonly others: readonly string[];
}

/** Majors of CUDA and of cuDNN that a provider is built for. */
export interface Wanted {
  readonly cuda: number;
  readonly cudnn: number;
  /** Read from the provider's own file, or what the npm package says that it fetches. */
  readonly source: 'provider' | 'documented';
}

/** What onnxruntime-node 1.30 fetches: `cuda12` (its script/install-metadata.js); cuDNN 9 goes with it. */
const documented: Wanted = { cuda: 12, cudnn: 9, source: 'documented' };

/** cuDNN is a thin library that opens these. */
const cudnnParts = ['graph', 'ops', 'heuristic', 'cnn', 'adv', 'engines_precompiled', 'engines_runtime_compiled'];

/** Names in a sentence; cuDNN's parts, where all of them are among them, as one. */
export const namesOf = (libraries: readonly Library[]): readonly string[] => {
  const names = libraries.map(({ name }) => name);
  const parts = names.filter((name) => name.startsWith('libcudnn_'));
  const whole = names.find((name) => name.startsWith('libcudnn.so'));
  if (whole === undefined || parts.length < cudnnParts.length) return names;
  return names.flatMap((name) => (name === whole ? [`${name} and its parts`] : parts.includes(name) ? [] : [name]));
};

/** libcufft has a numbering of its own: 11 goes with CUDA 12, 12 with CUDA 13. */
const opened = ({ cuda, cudnn }: Wanted): readonly string[] => [
  `libcudnn.so.${cudnn}`,
  ...cudnnParts.map((part) => `libcudnn_${part}.so.${cudnn}`),
  `libcufft.so.${cuda - 1}`,
];

const linked = ({ cuda }: Wanted): readonly string[] => [
  `libcudart.so.${cuda}`,
  `libcublas.so.${cuda}`,
  `libcublasLt.so.${cuda}`,
  'libcurand.so.10',
  'libcuda.so.1',
];

const majorOf = (names: readonly string[], stem: string): number | undefined => {
  const found = names.find((name) => name.startsWith(`${stem}.so.`));
  return found === undefined ? undefined : Number(found.slice(stem.length + 4));
};

/** The majors and the libraries that are needed: as the provider's file links them, or as documented where it is not there. */
export const wantedBy = (
  links: readonly string[],
): { readonly wanted: Wanted; readonly names: readonly (readonly [string, Library['use']])[] } => {
  const own = links.filter((name) => /^lib(cu|nv)/.test(name));
  const cuda = majorOf(own, 'libcudart');
  const wanted: Wanted =
    cuda === undefined ? documented : { cuda, cudnn: majorOf(own, 'libcudnn') ?? documented.cudnn, source: 'provider' };
  const needed = cuda === undefined ? linked(wanted) : own;
  const later = opened(wanted).filter((name) => !needed.includes(name));
  return {
    wanted,
    names: [...needed.map((name) => [name, 'linked'] as const), ...later.map((name) => [name, 'opened'] as const)],
  };
};

/** Folders that the loader searches by itself. */
const usual = ['/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu', '/lib64', '/usr/lib64', '/lib', '/usr/lib'];

const splitPath = (text: string | undefined): readonly string[] =>
  (text ?? '').split(':').filter((each) => each !== '');

/** Folders where installers put CUDA, and where the loader looks only if it is told to. */
const installed = (outside: Outside): readonly string[] => {
  const toolkits = outside
    .names('/usr/local')
    .filter((name) => /^cuda(-\d+(\.\d+)?)?$/.test(name))
    .map((name) => join('/usr/local', name));
  const named = ['CUDA_HOME', 'CUDA_PATH'].flatMap((name) => splitPath(outside.variable(name)));
  return [...new Set([...named, ...toolkits, '/opt/cuda'])].flatMap((folder) => [
    join(folder, 'lib64'),
    join(folder, 'lib'),
    join(folder, 'targets', 'x86_64-linux', 'lib'),
  ]);
};

/** Paths by name of library, the first place first. */
type Places = ReadonlyMap<string, string>;

const inFolders = (outside: Outside, folders: readonly string[]): Places => {
  const places = new Map<string, string>();
  for (const folder of folders)
    for (const name of outside.names(folder))
      if (/^lib(cu|nv).*\.so\.\d+$/.test(name) && !places.has(name)) places.set(name, join(folder, name));
  return places;
};

/** The loader's cache: lines such as `libcudart.so.12 (libc6,x86-64) => /usr/local/cuda/lib64/libcudart.so.12`. */
const inCache = (outside: Outside): Places => {
  const listed = outside.output('ldconfig', ['-p']) ?? outside.output('/sbin/ldconfig', ['-p']) ?? '';
  const found = listed.matchAll(/^\s*(lib\S+\.so\.\d+) \(([^)]*)\) => (\S+)$/gm);
  return new Map(
    [...found].flatMap(([, name = '', kind = '', path = '']) => (kind.includes('x86-64') ? [[name, path]] : [])),
  );
};

const versionOf = (outside: Outside, path: string): string | null => {
  const real = outside.realPath(path) ?? path;
  return /\.so\.(\d+(?:\.\d+)+)$/.exec(basename(real))?.[1] ?? null;
};

/** Finds libraries as the loader does: LD_LIBRARY_PATH, its cache, the usual folders; then where installers put them. */
export const findLibraries = (
  outside: Outside,
  names: readonly (readonly [string, Library['use']])[],
): readonly Library[] => {
  const searched = new Map([
    ...inFolders(outside, usual),
    ...inCache(outside),
    ...inFolders(outside, splitPath(outside.variable('LD_LIBRARY_PATH'))),
  ]);
  const elsewhere = inFolders(outside, installed(outside));
  const everything = [...new Set([...searched.keys(), ...elsewhere.keys()])].sort();
  return names.map(([name, use]) => {
    const path = searched.get(name) ?? elsewhere.get(name) ?? null;
    const stem = name.slice(0, name.lastIndexOf('.') + 1);
    return {
      name,
      use,
      state: searched.has(name) ? 'found' : elsewhere.has(name) ? 'elsewhere' : 'missing',
      path,
      version: path === null ? null : versionOf(outside, path),
      others: everything.filter((other) => other !== name && other.startsWith(stem)),
    };
  });
};
