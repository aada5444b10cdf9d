import * as fc from 'fast-check';
import { sha256 } from '../../events/digest';
import {
  callBytes,
  callKeyOf,
  differencesOf,
  distanceOf,
  flatParts,
  readParts,
  type CallParts,
} from '../../src/collect/callIdentity';

const parts: CallParts = {
  model: { kind: 'endpoint', name: 'gpt-4o-mini' },
  prompt: [
    { role: 'system', content: 'You check answers.' },
    { role: 'user', content: 'Q: 1 + 1 =' },
  ],
  sampling: { temperature: 0, topK: null, topP: null, maxTokens: 256 },
  stop: [],
  sample: 0,
};

const changed: readonly (readonly [string, Partial<CallParts>])[] = [
  ['model', { model: { kind: 'endpoint', name: 'gpt-4o' } }],
  ['model of ours', { model: { kind: 'checkpoint', digest: sha256('a') } }],
  ['a message', { prompt: [{ role: 'user', content: 'Q: 1 + 1 =' }] }],
  [
    'a role',
    {
      prompt: [
        { role: 'user', content: 'You check answers.' },
        { role: 'user', content: 'Q: 1 + 1 =' },
      ],
    },
  ],
  ['a text in place of a conversation', { prompt: 'Q: 1 + 1 =' }],
  ['temperature', { sampling: { ...parts.sampling, temperature: 0.7 } }],
  ['maxTokens', { sampling: { ...parts.sampling, maxTokens: 255 } }],
  ['topP', { sampling: { ...parts.sampling, topP: 1 } }],
  ['stop', { stop: ['\n'] }],
  ['sample', { sample: [5, 1] }],
];

describe('the identity of a call', () => {
  it('is the digest of its parts, which a blob of that digest holds', () => {
    expect(callKeyOf(parts)).toBe(sha256(callBytes(parts)));
    expect(callKeyOf({ ...parts })).toBe(callKeyOf(JSON.parse(JSON.stringify(parts))));
    expect(readParts(callBytes(parts))).toEqual(flatParts(parts));
  });

  it.each(changed)('is another one with another %s, and the difference is named', (_, change) => {
    const other = { ...parts, ...change };
    expect(callKeyOf(other)).not.toBe(callKeyOf(parts));
    const differences = differencesOf(flatParts(other), flatParts(parts));
    expect(differences.length).toBeGreaterThan(0);
    expect(distanceOf(differences)).toBeGreaterThan(0);
    for (const { here, there } of differences) expect(here).not.toBe(there);
  });

  it('is of the same kind on both sides: nothing differs, or the keys do', () => {
    const arbitrary = fc.record({
      name: fc.constantFrom('a', 'b'),
      text: fc.string({ maxLength: 3 }),
      temperature: fc.constantFrom(0, 1),
      sample: fc.oneof(fc.constant(0), fc.tuple(fc.nat(2), fc.nat(2))),
    });
    const made = ({
      name,
      text,
      temperature,
      sample,
    }: {
      name: string;
      text: string;
      temperature: number;
      sample: number | [number, number];
    }): CallParts => ({
      model: { kind: 'endpoint', name },
      prompt: text,
      sampling: { ...parts.sampling, temperature },
      stop: [],
      sample,
    });
    fc.assert(
      fc.property(arbitrary, arbitrary, (a, b) => {
        const [left, right] = [made(a), made(b)];
        const same = differencesOf(flatParts(left), flatParts(right)).length === 0;
        expect(callKeyOf(left) === callKeyOf(right)).toBe(same);
      }),
    );
  });

  it('weighs a difference by how much of a text changed', () => {
    const near = differencesOf(flatParts({ ...parts, prompt: 'abcdef' }), flatParts({ ...parts, prompt: 'abXdef' }));
    const far = differencesOf(flatParts({ ...parts, prompt: 'abcdef' }), flatParts({ ...parts, prompt: 'zzzzzz' }));
    expect(near).toEqual([{ part: 'prompt', here: 'abcdef', there: 'abXdef', weight: 2 }]);
    expect(distanceOf(far)).toBeGreaterThan(distanceOf(near));
  });

  it.each(['not json', '[]', '{"a":1}', 'null'])('is not read from what is no call: %s', (text) => {
    expect(readParts(new TextEncoder().encode(text))).toBeUndefined();
  });
});
