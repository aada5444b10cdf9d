/**
 * The policies that come with the code: presets/<name>.yaml beside this file, each naming its source. Reading the file
 * is the caller's; parsePolicy takes its text.
 */
export const presetNames = [
  'tripost',
  'tripost-no-balance',
  'tripost-no-weight',
  'tripost-no-filter',
  'tripost-whole',
  'tripost-mask-attempts',
  'tripost-aggregate',
  'si-demo',
  'ft-rationale',
  'answer-only',
  'star',
  'star-no-hint',
  'rest-em',
  'rft',
  'lmsi-gold',
  'lmsi-vote',
  'critique-only',
  'self-critique',
  'pair-sft',
  'self-correct',
  'lema',
  'anti-over-correction',
] as const;
export type PresetName = (typeof presetNames)[number];

/** A preset's file, from this folder. */
export const presetFile = (name: PresetName): string => `presets/${name}.yaml`;
