import { isMapping, type Json } from '../../events/digest';

/** A configuration that does not hold; its message names the field. */
export class ConfigError extends Error {}

export type Fields = Readonly<Record<string, Json>>;

/** The fields of an object that may have no others than `known`. Throws a ConfigError. */
export const fieldsOf = (value: Json | undefined, where: string, known: readonly string[]): Fields => {
  if (!isMapping(value)) throw new ConfigError(`${where} must be an object`);
  const other = Object.keys(value).find((key) => !known.includes(key));
  if (other !== undefined)
    throw new ConfigError(`${where} has no field "${other}"; its fields are ${known.join(', ')}`);
  return value;
};

export const integerAt = (value: Json | undefined, where: string, least: number, most: number): number => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new ConfigError(`${where} must be an integer from ${least} to ${most}`);
};

export const listAt = (value: Json | undefined, where: string): readonly Json[] => {
  if (Array.isArray(value) && value.length > 0) return value;
  throw new ConfigError(`${where} must be a list with at least one item`);
};

/** A range `{from, to}` with from ≤ to. */
export const rangeAt = (
  value: Json | undefined,
  where: string,
  least: number,
  most: number,
): { readonly from: number; readonly to: number } => {
  const fields = fieldsOf(value, where, ['from', 'to']);
  const from = integerAt(fields['from'], `${where}.from`, least, most);
  return { from, to: integerAt(fields['to'], `${where}.to`, from, most) };
};

export type Configured =
  | { readonly ok: true; readonly config: Json }
  | { readonly ok: false; readonly message: string };

/** Runs a reader and turns its ConfigError into a message. */
export const configured = (task: string, read: () => Json): Configured => {
  try {
    return { ok: true, config: read() };
  } catch (error) {
    if (error instanceof ConfigError) return { ok: false, message: `${task}: ${error.message}` };
    throw error;
  }
};
