import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { digestOf, sha256 } from '../../events/digest';

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

const readPackage = (file: string): PackageJson => JSON.parse(readFileSync(file, 'utf8'));

const rootFrom = (folder: string): string => {
  const file = join(folder, 'package.json');
  if (existsSync(file) && readPackage(file).name === 'tripost') return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error(`no package.json of tripost above ${__dirname}`);
  return rootFrom(parent);
};

/** Where package.json, the presets and the docs are: the same for compiled code and for sources under test. */
export const packageRoot = rootFrom(__dirname);

export const packageJson = (): PackageJson => readPackage(join(packageRoot, 'package.json'));

/** Versions of what computes, as installed; a package that is not installed is left out. */
export const installedVersions = (names: readonly string[]): Readonly<Record<string, string>> => {
  const versions: Record<string, string> = {};
  for (const name of names) {
    const folder = (require.resolve.paths(name) ?? []).find((each) => existsSync(join(each, name, 'package.json')));
    if (folder !== undefined) versions[name] = readPackage(join(folder, name, 'package.json')).version;
  }
  return versions;
};

const sourcesUnder = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return sourcesUnder(path);
      return /(?<!\.d)\.(js|ts)$/.test(entry.name) ? [path] : [];
    });

/** The package's version and a digest of the code that runs: `0.1.0+3f2a9c1d4e5b`. */
export const codeVersion = (): string => {
  const built = join(__dirname, '..', '..');
  const files = ['events', 'projections', 'src'].flatMap((name) => sourcesUnder(join(built, name)));
  const digest = digestOf(files.map((file) => [file.slice(built.length), sha256(readFileSync(file))]));
  return `${packageJson().version}+${digest.slice(0, 12)}`;
};
