import { byText } from '../../projections/projection';

/** The entries of a record by name, for people. */
export const inOrder = <V>(record: Readonly<Record<string, V>>): readonly (readonly [string, V])[] =>
  Object.entries(record).sort(([a], [b]) => byText(a, b));
