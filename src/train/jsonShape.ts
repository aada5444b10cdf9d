/** Narrowing of parsed JSON, with short texts for error messages. */
export type JsonObject = { readonly [key: string]: unknown };

export const isText = (value: unknown): value is string => typeof value === 'string';

/** A whole number from 0, exact. */
export const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** Whether every value of an object passes. */
export const isRecordOf = <R extends object, T>(
  value: R,
  check: (each: unknown) => each is T,
): value is R & { readonly [K in keyof R]: T } => Object.values(value).every((each) => check(each));

/** A value as an error message quotes it: JSON, cut at 80 characters. */
export const quoted = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};

/** Parses JSON; undefined where the text is not JSON (JSON has no undefined). */
export const parsed = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
};

/**
 * The path of the first key that occurs twice in one object, or undefined. `JSON.parse` keeps the last one in silence.
 * The text must be valid JSON.
 */
export const duplicateKey = (text: string): string | undefined => {
  const open: { readonly keys: Set<string>; last: string }[] = [];
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g;
  for (const [found, colon] of text.matchAll(token)) {
    const top = open.at(-1);
    if (found === '{') open.push({ keys: new Set(), last: '' });
    else if (found === '}') open.pop();
    else if (colon !== undefined && top !== undefined) {
      const key = String(parsed(found.slice(0, found.length - colon.length)));
      top.last = key;
      if (top.keys.has(key)) return open.map(({ last }) => last).join('.');
      top.keys.add(key);
    }
  }
  return undefined;
};
