import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, resolve } from 'node:path';
import { runInThisContext } from 'node:vm';
import { sha256 } from '../../events/digest';
import { provideModule, type CustomRule, type RuleModule } from '../../projections/policies/customRules';
import { originOf, type ResolvedPolicy } from '../../projections/policies/extend';
import type { CustomRuleRef } from '../../projections/policies/policy';
import type { Args } from './args';
import { stop } from './faults';
import { reason, utf8 } from './inputFile';

/**
 * Modules with rules of a policy's own. They are loaded here and nowhere else, and only those that a person named: by a
 * policy that was asked for, or by --rules. A ledger names modules too, and none of them is run on its word.
 */

const refuse = (module: string, message: string): never => stop({ tag: 'RuleModuleUnusable', module, message });

/** One file is what the digest covers, so one file is what a module may be; types are no code. */
const imports = /\brequire\s*\(|\bimport\s*\(|^\s*import\b(?!\s+type\b|\s*\.)|^\s*export\s[^;]*\sfrom\s/m;

const typed = new Set(['.ts', '.mts', '.cts']);

const isCallable = (u: unknown): u is (...given: readonly unknown[]) => unknown => typeof u === 'function';

/** What a CommonJS text leaves in `module.exports`: the very text of which the digest is, run without `require`. */
const commonJs = (path: string, text: string): unknown => {
  const made: unknown = runInThisContext(`(function (module, exports) {${text}\n})`, { filename: path });
  const module: { exports: unknown } = { exports: {} };
  if (isCallable(made)) made(module, module.exports);
  return module.exports;
};

const load = (path: string, named: string, text: string): unknown => {
  const kind = extname(path);
  if (typed.has(kind)) {
    const strips = 'typescript' in process.features && process.features.typescript !== false;
    if (!strips)
      refuse(
        named,
        `Node ${process.version} does not load TypeScript: compile it to a .cjs or .mjs file, or use Node 22.18 or newer`,
      );
  } else if (kind !== '.js' && kind !== '.cjs' && kind !== '.mjs')
    refuse(named, `expected a .js, .cjs, .mjs or .ts file, got ${JSON.stringify(kind)}`);
  try {
    return kind === '.js' || kind === '.cjs' ? commonJs(path, text) : createRequire(__filename)(path);
  } catch (failure) {
    const hint = kind === '.js' && /\bexport\b/.test(text) ? ' (an ES module is a .mjs file)' : '';
    return refuse(named, `it cannot be loaded: ${reason(failure)}${hint}`);
  }
};

const isRecord = (u: unknown): u is Readonly<Record<string, unknown>> => typeof u === 'object' && u !== null;

const rulesOf = (named: string, exported: unknown): ReadonlyMap<string, CustomRule> => {
  const given = isRecord(exported) ? exported['rules'] : undefined;
  if (!isRecord(given)) return refuse(named, 'expected an export `rules`: a mapping from names to rules');
  return new Map(
    Object.entries(given).map(([name, rule]): [string, CustomRule] => {
      const { stage, prepare } = isRecord(rule) ? rule : {};
      if (stage !== 'trajectory' && stage !== 'row')
        return refuse(named, `rules.${name}.stage: expected "trajectory" or "row", got ${JSON.stringify(stage)}`);
      if (!isCallable(prepare))
        return refuse(named, `rules.${name}.prepare: expected a function, got ${typeof prepare}`);
      return [name, { stage, prepare: (candidates, context) => prepare(candidates, Object.freeze(context)) }];
    }),
  );
};

/** Loads a module, and makes its rules known under the digest of its text. */
export const loadRuleModule = (path: string, named = path): RuleModule => {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (failure) {
    return refuse(named, `it cannot be read: ${reason(failure)}`);
  }
  const text = utf8(path, bytes);
  if (imports.test(text))
    refuse(named, 'it imports another: a dataset names the digest of this one file, so it must stand alone');
  const made: RuleModule = { module: named, source: sha256(bytes), rules: rulesOf(named, load(path, named, text)) };
  provideModule(made);
  return made;
};

/** The modules that --rules names, for policies that a ledger holds. */
export const useRules = (args: Args): void => {
  for (const module of args.list('rules')) loadRuleModule(resolve(module), module);
};

/** The same policy with the digest of every module that its rules are of, each loaded from beside its document. */
export const withModules = (resolved: ResolvedPolicy): ResolvedPolicy => {
  const { policy } = resolved;
  const { rules = [] } = policy;
  if (rules.length === 0) return resolved;
  const folder = dirname(originOf(resolved, 'rules')?.source ?? '');
  const found = rules.map((ref): CustomRuleRef => {
    const { source, rules: own } = loadRuleModule(resolve(folder, ref.module), ref.module);
    if (typeof ref.source === 'string' && ref.source !== source)
      return stop({ tag: 'RuleSourceDiffers', module: ref.module, rule: ref.name, expected: ref.source, got: source });
    if (!own.has(ref.name))
      return refuse(ref.module, `it has no rule ${ref.name}; it has ${[...own.keys()].join(', ') || 'none'}`);
    return { ...ref, source };
  });
  return { ...resolved, policy: { ...policy, rules: found } };
};
