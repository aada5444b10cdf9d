import * as E from 'fp-ts/Either';
import { canonicalJson, isMapping, type Json } from '../../events/digest';
import { Policy } from './policy';
import type { Change } from './rule';

/** A policy as plain JSON, to be looked into by dotted paths. */
const jsonOf = (policy: Policy): Json => {
  const json: Json = JSON.parse(canonicalJson(policy));
  return json;
};

const at = (json: Json | undefined, path: readonly string[]): Json | undefined =>
  path.reduce<Json | undefined>((value, key) => (isMapping(value) ? value[key] : undefined), json);

/** Made once: it is looked into for every setting of every explanation. */
const policySchema = (() => {
  let made: Json | undefined;
  return (): Json => (made ??= Policy.schema);
})();

/** What a setting is where a policy does not give it; undefined where there is no such setting, or it must be given. */
export const defaultOf = (setting: string): Json | undefined => {
  const path = setting.split('.').flatMap((key) => ['properties', key]);
  return at(policySchema(), [...path, 'default']);
};

/** The value of a setting; null where there is none. */
export const settingOf = (policy: Policy, setting: string): Json =>
  at(jsonOf(policy), setting.split('.')) ?? defaultOf(setting) ?? null;

/** A change of one setting of a policy to a value. */
export const changeOf = (policy: Policy, setting: string, to: Json): Change => ({
  setting,
  from: settingOf(policy, setting),
  to,
});

const withValue = (json: Json | undefined, [key, ...rest]: readonly string[], to: Json): Json => {
  if (key === undefined) return to;
  const fields = isMapping(json) ? json : {};
  return { ...fields, [key]: withValue(fields[key], rest, to) };
};

/** The policy with these changes; undefined where it would be no policy. */
export const changed = (policy: Policy, changes: readonly Change[]): Policy | undefined => {
  const json = changes.reduce<Json>((so, { setting, to }) => withValue(so, setting.split('.'), to), jsonOf(policy));
  const decoded = Policy.decode(json);
  return E.isRight(decoded) ? decoded.right : undefined;
};

/** Every setting in which two policies differ, in the order of their names; name and description are not settings. */
export const differences = (a: Policy, b: Policy): readonly Change[] => {
  const found: Change[] = [];
  const compare = (path: string, left: Json | undefined, right: Json | undefined): void => {
    if (isMapping(left) && isMapping(right)) {
      const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
      for (const key of keys) compare(path === '' ? key : `${path}.${key}`, left[key], right[key]);
      return;
    }
    if (path === 'name' || path === 'description') return;
    const [from, to] = [left ?? defaultOf(path) ?? null, right ?? defaultOf(path) ?? null];
    if (canonicalJson(from) !== canonicalJson(to)) found.push({ setting: path, from, to });
  };
  compare('', jsonOf(a), jsonOf(b));
  return found;
};
