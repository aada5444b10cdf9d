/** Where a text holds an access key. The key itself is never repeated. */
export interface FoundKey {
  /** What kind of key it looks like. */
  readonly what: string;
  /** Offset in the text, in UTF-16 units. */
  readonly at: number;
}

/** Every pattern holds one of these; looking for them first makes scanning text without keys cheap. */
const hint = /sk-|hf_|AKIA|ASIA|gh[pousr]_|github_pat_|AIza|xox|eyJ|[Bb]earer|BEARER|PRIVATE KEY/;

/** Key forms as their issuers document them. A digit is asked of `sk-` keys, so that hyphenated words are none. */
const patterns: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['an Anthropic key (sk-ant-...)', /\bsk-ant-[\w-]{20,}/],
  ['an OpenAI key (sk-...)', /\bsk-(?=[A-Za-z_-]*\d)[\w-]{20,}/],
  ['a Hugging Face token (hf_...)', /\bhf_[A-Za-z0-9]{30,}/],
  ['an AWS access key id (AKIA...)', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a GitHub token (gh?_...)', /\bgh[pousr]_[A-Za-z0-9]{36,}/],
  ['a GitHub token (github_pat_...)', /\bgithub_pat_\w{22,}/],
  ['a Google API key (AIza...)', /\bAIza[\w-]{35}/],
  ['a Slack token (xox?-...)', /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/],
  ['a JSON Web Token (eyJ...)', /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/],
  ['a bearer token', /\bBearer\s+(?=[\w.~+/-]*\d)[\w.~+/-]{20,}/i],
  ['a private key (PEM)', /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/],
];

/** Values shorter than this are words, not keys: a local server is often given the key "none". */
export const shortestSecret = 8;

/** A value as it stands, and as it stands inside JSON text. */
const formsOf = (secret: string): readonly string[] => {
  const escaped = JSON.stringify(secret).slice(1, -1);
  return escaped === secret ? [secret] : [secret, escaped];
};

/**
 * The first access key in a text: a known form, or one of the very values in use. Undefined where there is none.
 * Keys in forms that nobody documents are not found; keys that are encoded (base64, URL) are not either.
 */
export const findKey = (text: string, secrets: readonly string[] = []): FoundKey | undefined => {
  for (const secret of secrets) {
    if (secret.length < shortestSecret) continue;
    for (const form of formsOf(secret)) {
      const at = text.indexOf(form);
      if (at >= 0) return { what: 'the very key that this process uses', at };
    }
  }
  if (!hint.test(text)) return undefined;
  let first: FoundKey | undefined;
  for (const [what, pattern] of patterns) {
    const at = text.search(pattern);
    if (at >= 0 && (first === undefined || at < first.at)) first = { what, at };
  }
  return first;
};

type Found = FoundKey & { readonly path: string };

const under = (name: string, found: Found | undefined): Found | undefined =>
  found === undefined ? undefined : { ...found, path: found.path === '' ? name : `${name}.${found.path}` };

/** A key anywhere in a JSON value: in its strings or in the names of its fields. `path` leads to it, `turns.0.text`. */
export const findKeyIn = (value: unknown, secrets: readonly string[] = []): Found | undefined => {
  if (typeof value === 'string') {
    const found = value.length < shortestSecret ? undefined : findKey(value, secrets);
    return found === undefined ? undefined : { ...found, path: '' };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      // Token ids and log-probabilities are most of what there is.
      if (typeof item === 'number') continue;
      const found = under(String(i), findKeyIn(item, secrets));
      if (found !== undefined) return found;
    }
    return undefined;
  }
  for (const [name, item] of Object.entries(value)) {
    // Where a name is the key, the path ends before it.
    const named = name.length < shortestSecret ? undefined : findKey(name, secrets);
    if (named !== undefined) return { ...named, path: '' };
    const found = under(name, findKeyIn(item, secrets));
    if (found !== undefined) return found;
  }
  return undefined;
};
