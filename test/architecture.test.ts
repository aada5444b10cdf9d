import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';

const root = join(__dirname, '..');

const sourcesUnder = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();

const product = ['events', 'projections', 'src'].flatMap(sourcesUnder);
const all = [...product, ...sourcesUnder('bench'), ...sourcesUnder('test')];
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

const core = ['events', 'projections'];
const everything = [
  ...core,
  'src/ports',
  'src/ledger',
  'src/tasks',
  'src/prompts',
  'src/collect',
  'src/onnx',
  'src/autodiff',
  'src/train',
  'src/evaluate',
  'src/run',
  'src/ablate',
  'src/reproduce',
  'src/report',
  'src/metrics',
  'src/export',
  'src/calls',
  'src/fakeTeacher',
  'src/adapters/*',
  'src/cli',
];

/** Which layers a layer may import, besides itself. `src/adapters/*` are several layers: none imports another. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  events: [],
  projections: ['events'],
  'src/ports': core,
  'src/ledger': ['events', 'src/ports'],
  'src/tasks': core,
  'src/prompts': [...core, 'src/ports', 'src/tasks'],
  'src/collect': [...core, 'src/ports', 'src/ledger', 'src/tasks', 'src/prompts'],
  'src/onnx': ['src/ports'],
  'src/autodiff': ['src/ports', 'src/onnx'],
  'src/train': [...core, 'src/ports', 'src/ledger', 'src/onnx', 'src/autodiff'],
  'src/evaluate': [...core, 'src/ports', 'src/ledger', 'src/tasks', 'src/prompts', 'src/collect'],
  'src/run': [...core, 'src/ports', 'src/ledger', 'src/tasks', 'src/collect', 'src/train', 'src/evaluate'],
  'src/ablate': [...core, 'src/ports', 'src/ledger', 'src/collect', 'src/run'],
  'src/reproduce': [...core, 'src/ports', 'src/ledger', 'src/tasks', 'src/train', 'src/evaluate'],
  'src/report': core,
  'src/metrics': core,
  'src/export': core,
  'src/calls': [...core, 'src/ports'],
  'src/fakeTeacher': [...core, 'src/ports', 'src/tasks', 'src/prompts'],
  'src/adapters/*': [...core, 'src/ports'],
  'src/cli': everything,
  bench: [...everything, 'test'],
  test: [...everything, 'bench'],
};

/** Which packages a layer may import; types count. Node's own modules are `node`. */
const mayUse: Readonly<Record<string, readonly string[]>> = {
  events: ['io-ts', 'fp-ts', 'node:crypto'],
  projections: ['io-ts', 'fp-ts', 'yaml'],
  'src/ports': ['fp-ts'],
  'src/ledger': ['fp-ts', 'io-ts'],
  'src/tasks': [],
  'src/prompts': ['fp-ts', 'io-ts'],
  'src/collect': ['fp-ts', 'rxjs'],
  'src/onnx': ['onnx-proto'],
  'src/autodiff': [],
  'src/train': ['fp-ts', 'io-ts', '@huggingface/tokenizers'],
  'src/evaluate': ['fp-ts'],
  'src/run': ['fp-ts', 'io-ts'],
  'src/ablate': ['fp-ts', 'io-ts'],
  'src/reproduce': ['fp-ts'],
  'src/report': [],
  'src/metrics': ['protobufjs'],
  'src/export': ['fp-ts', 'io-ts', 'yaml', 'hyparquet', 'hyparquet-writer'],
  'src/calls': ['fp-ts', 'io-ts', 'cockatiel'],
  'src/fakeTeacher': ['fp-ts', 'io-ts'],
  'src/adapters/files': ['fp-ts', 'node'],
  'src/adapters/http': ['fp-ts', 'node'],
  'src/adapters/kurrentdb': ['fp-ts', '@kurrent/kurrentdb-client', 'node'],
  'src/adapters/memory': ['fp-ts'],
  'src/adapters/onnxruntime': ['fp-ts', 'onnxruntime-node', 'node'],
  'src/adapters/openai': ['fp-ts', 'io-ts', 'openai', 'node'],
  'src/adapters/sqlite': ['fp-ts', 'libsql', 'node'],
  'src/adapters/system': ['node'],
  'src/adapters/threads': ['node'],
  'src/adapters/verifier': ['fp-ts', 'node'],
  'src/cli': ['fp-ts', 'io-ts', 'rxjs', 'yaml', 'commander', 'picocolors', 'cli-table3', 'write-file-atomic', 'node'],
};

const layerOf = (file: string): string => {
  const [top = '', second = '', third = ''] = file.split('/');
  if (top !== 'src') return top;
  return second === 'adapters' ? `src/adapters/${third}` : `src/${second}`;
};

const generalised = (layer: string): string => (layer.startsWith('src/adapters/') ? 'src/adapters/*' : layer);

const specifier =
  /^(?:import|export)\s[^'"`;]*?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|\b(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/gm;

const importsOf = (file: string, text = textOf(file)): readonly string[] =>
  [...text.matchAll(specifier)].map(([, from, bare, call]) => from ?? bare ?? call ?? '');

/** Without what the compiler erases: types may point back. */
const loadedBy = (file: string): readonly string[] =>
  importsOf(file, textOf(file).replaceAll(/^(import|export) type\s[^;]*;/gm, ''));

const targetOf = (file: string, imported: string): string => relative(root, join(root, dirname(file), imported));

const builtin = new Set(builtinModules);
const packageOf = (imported: string): string => {
  if (imported.startsWith('node:') || builtin.has(imported)) return imported;
  return imported
    .split('/')
    .slice(0, imported.startsWith('@') ? 2 : 1)
    .join('/');
};

describe('the import table', () => {
  it('has a row for every layer there is', () => {
    const layers = new Set(all.map(layerOf));
    expect([...layers].filter((layer) => mayImport[generalised(layer)] === undefined)).toEqual([]);
    expect([...new Set(product.map(layerOf))].filter((layer) => mayUse[layer] === undefined)).toEqual([]);
  });

  it('is kept: arrows point one way', () => {
    const bad = all.flatMap((file) => {
      const own = layerOf(file);
      const allowed = mayImport[generalised(own)] ?? [];
      return importsOf(file)
        .filter((imported) => imported.startsWith('.'))
        .map((imported) => targetOf(file, imported))
        .filter((target) => layerOf(target) !== own && !allowed.includes(generalised(layerOf(target))))
        .map((target) => `${file} imports ${target}`);
    });
    expect(bad).toEqual([]);
  });

  it('is kept for packages and for Node', () => {
    const bad = product.flatMap((file) => {
      const allowed = mayUse[layerOf(file)] ?? [];
      return importsOf(file)
        .filter((imported) => !imported.startsWith('.'))
        .map(packageOf)
        .filter((name) => !allowed.includes(name) && !(name.startsWith('node:') && allowed.includes('node')))
        .map((name) => `${file} imports ${name}`);
    });
    expect(bad).toEqual([]);
  });

  it('has no cycles between files', () => {
    const known = new Set(product);
    const next = (file: string): readonly string[] =>
      loadedBy(file).flatMap((imported) => {
        const target = targetOf(file, imported);
        return imported.startsWith('.') ? [`${target}.ts`, `${target}/index.ts`].filter((path) => known.has(path)) : [];
      });
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
        return;
      }
      state.set(file, 'open');
      for (const target of next(file)) visit(target, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of product) visit(file, []);
    expect(cycles).toEqual([]);
  });
});

describe('the sources', () => {
  const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '');

  it('touch clock, randomness and process only in adapters and the command line', () => {
    const worldly =
      /\bDate\.now\b|\bnew Date\b|\bMath\.random\b|\bprocess\.|\bperformance\.|\bsetTimeout\b|\bsetInterval\b|\bfetch\(/;
    const inner = product.filter((file) => !/^src\/(adapters|cli)\//.test(file));
    expect(inner.filter((file) => worldly.test(withoutComments(textOf(file))))).toEqual([]);
  });

  it('have no barrel files: an index.ts is a registry', () => {
    const registries = [
      'events/index.ts',
      'src/autodiff/rules/index.ts',
      'src/cli/commands/index.ts',
      'src/tasks/index.ts',
    ];
    expect(product.filter((file) => file.endsWith('/index.ts'))).toEqual(registries);
    expect(product.filter((file) => /^export \*/m.test(textOf(file)))).toEqual([]);
    expect(registries.filter((file) => /^export \{[^}]*\} from/m.test(textOf(file)))).toEqual([]);
  });

  it('import without extensions', () => {
    const bad = all.flatMap((file) =>
      importsOf(file)
        .filter((imported) => /^\..*\.[cm]?[jt]s$/.test(imported))
        .map((imported) => `${file}: ${imported}`),
    );
    expect(bad.filter((line) => !line.includes('environment.js'))).toEqual([]);
  });

  it('have no file over 320 lines', () => {
    const lines = (file: string): number => textOf(file).split('\n').length - 1;
    expect(product.filter((file) => lines(file) > 320).map((file) => `${file}: ${lines(file)} lines`)).toEqual([]);
  });
});

describe('package.json', () => {
  const {
    dependencies: always,
    optionalDependencies = {},
    devDependencies,
  }: Record<'dependencies' | 'optionalDependencies' | 'devDependencies', Readonly<Record<string, string>>> = JSON.parse(
    textOf('package.json'),
  );
  const dependencies: Readonly<Record<string, string>> = { ...always, ...optionalDependencies };
  const used = new Set(
    product.flatMap((file) =>
      importsOf(file)
        .filter((imported) => !imported.startsWith('.'))
        .map(packageOf),
    ),
  );

  it('lists what the product imports as dependencies, and nothing that it does not need', () => {
    const needed = [...used].filter((name) => !name.startsWith('node:'));
    expect(needed.filter((name) => dependencies[name] === undefined)).toEqual([]);
    // onnx-proto's generated code runs on protobufjs, which it leaves to its user to pin.
    expect(Object.keys(dependencies).filter((name) => !used.has(name) && name !== 'protobufjs')).toEqual([]);
  });

  it('pins every version', () => {
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
    );
    expect(loose).toEqual([]);
  });
});
