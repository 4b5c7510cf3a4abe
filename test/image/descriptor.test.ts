import { expect } from 'chai';
import { asDescriptor } from '../../src/image/descriptor.ts';
import { digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { thrownBy } from '../support/thrown-by.ts';

const data = Buffer.from('{}');
const good = { mediaType: mediaTypes.ociEmpty, digest: digestOf(data), size: 2 };
const read = (value: unknown) => asDescriptor({ document: 'index', path: 'manifests[0]', value });

const kept: readonly object[] = [
  good,
  { ...good, data: data.toString('base64') },
  { ...good, digest: digestOf(data, 'sha512'), data: data.toString('base64') },
  { ...good, size: Number.MAX_SAFE_INTEGER },
  {
    ...good,
    urls: ['https://example.org/a'],
    annotations: { a: 'b', ['__proto__']: 'c' },
    artifactType: 'a/b',
  },
  { ...good, platform: { os: 'linux', architecture: 'arm', variant: 'v7', 'os.features': ['a'] } },
  { ...good, 'org.example.unknown': { a: [1] } },
];

/** Fields that make it wrong, and the place that is named. */
const wrong: readonly (readonly [object, string])[] = [
  [{ mediaType: undefined }, 'mediaType'],
  [{ mediaType: '' }, 'mediaType'],
  [{ mediaType: 'text' }, 'mediaType'],
  [{ mediaType: 'a/b; charset=c' }, 'mediaType'],
  [{ mediaType: `a/${'b'.repeat(128)}` }, 'mediaType'],
  [{ digest: 'sha256:abc' }, 'digest'],
  [{ digest: 7 }, 'digest'],
  [{ size: -1 }, 'size'],
  [{ size: 1.5 }, 'size'],
  [{ size: 2 ** 53 }, 'size'],
  [{ size: '2' }, 'size'],
  [{ size: null }, 'size'],
  [{ urls: 'a' }, 'urls'],
  [{ urls: ['a', 1] }, 'urls[1]'],
  [{ annotations: [] }, 'annotations'],
  [{ annotations: { a: 1 } }, 'annotations.a'],
  [{ artifactType: {} }, 'artifactType'],
  [{ platform: 'linux/amd64' }, 'platform'],
  [{ platform: { os: 'linux' } }, 'platform.architecture'],
  [{ platform: { os: 'linux', architecture: 'arm', variant: 7 } }, 'platform.variant'],
  [{ platform: { os: 'linux', architecture: 'arm', 'os.version': 7 } }, 'platform.os.version'],
  [{ platform: { os: 'linux', architecture: 'arm', 'os.features': [7] } }, 'platform.os.features[0]'],
  [{ data: 7 }, 'data'],
  [{ data: 'e30' }, 'data'],
  [{ data: 'e31=' }, 'data'],
  [{ data: ' e30=' }, 'data'],
  [{ data: Buffer.from('[]').toString('base64') }, 'data'],
  [{ data: data.toString('base64'), size: 3 }, 'data'],
];

describe('descriptors', () => {
  for (const value of kept) {
    it(`keeps ${JSON.stringify(value).slice(0, 90)}`, () => expect(read(value)).to.deep.equal(value));
  }
  for (const [change, field] of wrong) {
    it(`refuses ${JSON.stringify(change).slice(0, 90)}`, () => {
      const error = thrownBy(() => read({ ...good, ...change }), 'MANIFEST_INVALID');
      expect(error.detail).to.deep.equal({ field: `manifests[0].${field}` });
      expect(error.message).to.match(/^index field manifests\[0\]\..* must be /);
    });
  }
  for (const value of [null, 'x', 7, [good], undefined]) {
    it(`refuses ${JSON.stringify(value)?.slice(0, 40)} as a whole`, () => {
      thrownBy(() => read(value), 'MANIFEST_INVALID');
    });
  }

  it('takes null for a field that is left out', () => {
    const nothing = { urls: null, annotations: null, artifactType: null, platform: null, data: null };
    expect(read({ ...good, ...nothing })).to.deep.equal(good);
    const platform = { os: 'linux', architecture: 'amd64' };
    const empty = { ...platform, variant: null, 'os.version': null, 'os.features': null };
    expect(read({ ...good, platform: empty })).to.deep.equal({ ...good, platform });
  });
});
