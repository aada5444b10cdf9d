import * as fc from 'fast-check';
import { findKey, findKeyIn } from '../../events/secrets';

const long = (alphabet: string, length: number): string =>
  Array.from({ length }, (_, i) => alphabet[(i * 7 + 3) % alphabet.length]).join('');
const mixed = 'aB3dE5gH7jK9mN1pQ2sT4vW6xY8zC0fL';

const keys: readonly (readonly [what: string, key: string])[] = [
  ['an OpenAI key (sk-...)', `sk-${long(mixed, 48)}`],
  ['an OpenAI key (sk-...)', `sk-proj-${long(mixed, 60)}_-${long(mixed, 10)}`],
  ['an OpenAI key (sk-...)', `sk-svcacct-${long(mixed, 40)}`],
  ['an Anthropic key (sk-ant-...)', `sk-ant-api03-${long(mixed, 80)}`],
  ['a Hugging Face token (hf_...)', `hf_${long(mixed, 34)}`],
  ['an AWS access key id (AKIA...)', `AKIA${long('ABCD2345', 16)}`],
  ['a GitHub token (gh?_...)', `ghp_${long(mixed, 36)}`],
  ['a GitHub token (gh?_...)', `ghs_${long(mixed, 36)}`],
  ['a GitHub token (github_pat_...)', `github_pat_${long(mixed, 22)}_${long(mixed, 59)}`],
  ['a Google API key (AIza...)', `AIza${long(mixed, 35)}`],
  ['a Slack token (xox?-...)', `xoxb-${long('0123456789', 12)}-${long(mixed, 24)}`],
  ['a JSON Web Token (eyJ...)', `eyJ${long(mixed, 30)}.eyJ${long(mixed, 40)}.${long(mixed, 43)}`],
  ['a bearer token', `Authorization: Bearer ${long(mixed, 40)}`],
  ['a private key (PEM)', '-----BEGIN RSA PRIVATE KEY-----\nMIIE'],
  ['a private key (PEM)', '-----BEGIN PRIVATE KEY-----'],
  ['a private key (PEM)', '-----BEGIN PGP PRIVATE KEY BLOCK-----'],
];

describe('findKey', () => {
  it.each(keys)('finds %s (%#)', (what, key) => {
    const before = 'Q: what is 2 + 2?\n';
    const found = findKey(`${before}${key}\nA: 4`);
    expect(found).toEqual({ what, at: before.length + (what === 'a bearer token' ? 'Authorization: '.length : 0) });
    expect(findKey(JSON.stringify({ text: `"${key}"` }))?.what).toBe(what);
    expect(JSON.stringify(found)).not.toContain(key.slice(-12));
  });

  it.each([
    'the sk-learn package, and a risk-assessment-and-management-strategy',
    'sk-a-long-hyphenated-word-without-any-digit-in-it',
    'task-1234567890123456789012345',
    'hf_hub_download, hf_transfer',
    'Bearer bonds of the nineteenth century are long-forgotten instruments',
    'AKIA is a town; AKIAabc',
    'eyJ is how base64 of {" begins',
    '-----BEGIN CERTIFICATE-----',
    '-----BEGIN PUBLIC KEY-----',
    'a'.repeat(64),
    '0123456789abcdef'.repeat(4),
    '(1) The first letter: "ag"="a" (1), "ao"="a" (1), "yj"="y" (25).',
  ])('lets be: %s', (text) => {
    expect(findKey(text)).toBeUndefined();
  });

  it('finds the first of several', () => {
    const [one, two] = [keys[0]?.[1], keys[4]?.[1]];
    expect(findKey(`${two} ${one}`)?.what).toBe('a Hugging Face token (hf_...)');
  });

  it('finds the very values in use, whatever their form, and as they stand inside JSON', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 8, maxLength: 40 }),
        fc.string(),
        fc.string(),
        fc.boolean(),
        (secret, before, after, inJson) => {
          const text = `${before}${secret}${after}`;
          expect(findKey(inJson ? JSON.stringify({ text }) : text, [secret])).toBeDefined();
        },
      ),
    );
  });

  it('takes a short value for a word', () => {
    expect(findKey('there is none here', ['none', ''])).toBeUndefined();
  });
});

describe('findKeyIn', () => {
  const key = `hf_${long(mixed, 34)}`;
  it('looks into every string and every name of a value, and says where', () => {
    expect(findKeyIn({ a: [{ b: 'x' }, { b: `y ${key}` }] })).toEqual({
      what: 'a Hugging Face token (hf_...)',
      at: 2,
      path: 'a.1.b',
    });
    expect(findKeyIn({ env: { [key]: 1 } })).toMatchObject({ path: 'env' });
    expect(findKeyIn([1, null, true, undefined, { a: 'x' }])).toBeUndefined();
  });
});
