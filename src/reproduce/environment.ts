import type { Environment } from '../../events/codecs';

const flat = (environment: Environment): ReadonlyMap<string, string> => {
  const { packages, cuda, ...plain } = environment;
  const fields: (readonly [string, string])[] = Object.entries(plain).map(([name, value]) => [name, String(value)]);
  for (const [name, version] of Object.entries(packages)) fields.push([name, version]);
  for (const [name, value] of Object.entries(cuda ?? {})) fields.push([`cuda.${name}`, JSON.stringify(value)]);
  return new Map(fields);
};

/** What another machine class or other software may explain: `onnxruntime-node 1.29.0, here 1.30.0`. Empty: nothing. */
export const environmentDifferences = (recorded: Environment, here: Environment): readonly string[] => {
  const [was, is] = [flat(recorded), flat(here)];
  const names = [...new Set([...was.keys(), ...is.keys()])].sort();
  return names.flatMap((name) => {
    const [before, now] = [was.get(name), is.get(name)];
    return before === now ? [] : [`${name} ${before ?? 'absent'}, here ${now ?? 'absent'}`];
  });
};

/** The likely cause of other bits: what differs between then and now, or that nothing known does. */
export const likelyCause = (recorded: Environment, here: Environment, otherwise: string): string => {
  const differences = environmentDifferences(recorded, here);
  return differences.length === 0 ? otherwise : `made elsewhere: ${differences.join('; ')}`;
};
