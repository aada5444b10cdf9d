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
  'tripost-script',
  'si-demo',
  'self-refine',
  'ft-rationale',
  'answer-only',
  'star',
  'star-no-hint',
  'star-hint',
  'v-star',
  'rest-em',
  'rft',
  'lmsi-gold',
  'lmsi-vote',
  'critique-only',
  'self-critique',
  'pair-sft',
  'self-correct',
  'stasc',
  'score-sft',
  'rise',
  'glore-local',
  's3c-math',
  'lema',
  'anti-over-correction',
] as const;
export type PresetName = (typeof presetNames)[number];

/** A preset's file, from this folder. */
export const presetFile = (name: PresetName): string => `presets/${name}.yaml`;
