import * as fc from 'fast-check';
import { canonicalJson, sha256 } from '../../events/digest';
import { leafHash, leafOfText } from '../../events/envelope';
import { prepare } from '../../events/prepare';
import { arbitraryJson, arbitraryText } from '../support/arbitrary';

const event = {
  stream: 'run-1',
  revision: 3,
  id: '4f2c5f0f-6c1d-8e2b-9a7f-1b2c3d4e5f60',
  type: 'Noted',
  version: 1,
  data: { text: 'é', b: [1, 2.5] },
  meta: { correlation: 'run-1', prev: null },
};

describe('leaf hash', () => {
  it('is SHA-256 of 0x00 and the canonical JSON of all that is covered', () => {
    const text =
      '{"data":{"b":[1,2.5],"text":"é"},"id":"4f2c5f0f-6c1d-8e2b-9a7f-1b2c3d4e5f60",' +
      '"meta":{"correlation":"run-1","prev":null},"revision":3,"stream":"run-1","type":"Noted","version":1}';
    expect(leafHash(event)).toBe(sha256(Buffer.concat([Buffer.from([0]), Buffer.from(text)])));
  });

  it('changes with every part it covers, and with nothing else', () => {
    const base = leafHash(event);
    const changed = [
      { stream: 'run-2' },
      { revision: 4 },
      { id: 'x' },
      { type: 'Other' },
      { version: 2 },
      { data: {} },
      { meta: { prev: null } },
      { meta: { correlation: 'run-1', prev: base } },
    ].map((part) => leafHash({ ...event, ...part }));
    expect(new Set([base, ...changed]).size).toBe(changed.length + 1);
    const recorded = { ...event, position: '9', recordedAt: 'now', observed: { latencyMs: 3 }, leaf: '' };
    expect(leafHash(recorded)).toBe(base);
  });

  it('from canonical text is the same as from the value', () => {
    const property = fc.property(arbitraryJson, arbitraryText, fc.nat(), (data, stream, revision) => {
      const one = { ...event, data, stream, revision };
      const { id, type, version, meta } = one;
      const whole = canonicalJson({ stream, revision, id, type, version, data, meta });
      expect(leafHash(one)).toBe(sha256(`\u0000${whole}`));
      expect(leafOfText({ ...one, dataText: canonicalJson(data) })).toBe(leafHash(one));
    });
    fc.assert(property);
  });
});

describe('preparing an event', () => {
  it('makes canonical text of data and of what was observed', () => {
    const { id, type, version } = event;
    const given = { id, type, version, data: { b: 1, a: 2 }, meta: {}, observed: { z: 1, y: 2 } };
    expect(prepare(given)).toMatchObject({ dataText: '{"a":2,"b":1}', observedText: '{"y":2,"z":1}' });
  });
});
