import { canonicalJson, type Digest, isMapping, type Json } from '../../events/digest';
import { defaultOf, settingOf } from './change';
import { originOf, type ResolvedPolicy } from './extend';
import { Policy, policyDigest } from './policy';
import { policySentences, stages, type Stage } from './policySentences';

/** One setting of a policy, and where its value is from. */
export interface DescribedSetting {
  readonly setting: string;
  readonly value: Json;
  readonly default: Json;
  readonly isDefault: boolean;
  /** The document of the chain that gives it; null: none does. */
  readonly from: string | null;
}

export interface DescribedStage {
  readonly stage: Stage;
  readonly says: readonly string[];
  readonly settings: readonly DescribedSetting[];
}

export interface DescribedPolicy {
  readonly name: string;
  readonly description: string;
  readonly digest: Digest;
  /** The documents that it is made of, the one that was asked for first. */
  readonly chain: readonly string[];
  readonly stages: readonly DescribedStage[];
}

/** Every setting that there is below a key, in the order of the format. */
const settingsBelow = (schema: Json | undefined, key: string): readonly string[] => {
  const own = isMapping(schema) ? schema['properties'] : undefined;
  if (!isMapping(own)) return [key];
  return Object.entries(own).flatMap(([name, below]) => settingsBelow(below, key === '' ? name : `${key}.${name}`));
};

const all = settingsBelow(Policy.schema, '');

const isOf = (setting: string, stage: Stage): boolean =>
  setting === stage ||
  setting.startsWith(`${stage}.`) ||
  (stage === 'weights' && setting === 'factors') ||
  (stage === 'admit' && setting === 'rules');

/** What a policy does: sentences, every resolved value, and where it is from. */
export const describePolicy = (resolved: ResolvedPolicy): DescribedPolicy => {
  const { policy, layers } = resolved;
  const says = policySentences(policy);
  const described = (setting: string): DescribedSetting => {
    const value = settingOf(policy, setting);
    const usual = defaultOf(setting) ?? null;
    const from = originOf(resolved, setting)?.source ?? null;
    return { setting, value, default: usual, isDefault: canonicalJson(value) === canonicalJson(usual), from };
  };
  return {
    name: policy.name,
    description: policy.description,
    digest: policyDigest(policy),
    chain: layers.map(({ source }) => source),
    stages: stages.map((stage) => ({
      stage,
      says: says[stage],
      settings: all.filter((setting) => isOf(setting, stage)).map(described),
    })),
  };
};
