import { expect } from 'chai';
import { digestOf } from '../../src/image/digest.ts';
import {
  manifestSizeLimit,
  type ParseManifestOptions,
  parseManifest,
  serializeManifest,
} from '../../src/image/manifest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { thrownBy } from '../support/thrown-by.ts';

const config = { mediaType: mediaTypes.ociConfig, digest: digestOf('config'), size: 6 };
const layer = { mediaType: mediaTypes.ociLayerGzip, digest: digestOf('layer'), size: 5 };
const image = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
const entry = { mediaType: mediaTypes.ociManifest, digest: digestOf('image'), size: 5 };
const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [entry] };
const dockerImage = { ...image, mediaType: mediaTypes.dockerManifest };
const dockerList = { ...index, mediaType: mediaTypes.dockerManifestList };

const bytesOf = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

const without = (value: object, ...names: string[]) =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));

const bare = without(image, 'mediaType');
const bareIndex = without(index, 'mediaType');

/** Document, what is known of it beforehand, its kind and its media type. */
const good: readonly (readonly [object, ParseManifestOptions, string, string])[] = [
  [image, {}, 'manifest', mediaTypes.ociManifest],
  [image, { mediaType: mediaTypes.ociManifest }, 'manifest', mediaTypes.ociManifest],
  [bare, {}, 'manifest', mediaTypes.ociManifest],
  [bare, { mediaType: mediaTypes.dockerManifest }, 'manifest', mediaTypes.dockerManifest],
  [{ ...image, mediaType: null }, {}, 'manifest', mediaTypes.ociManifest],
  [{ ...image, mediaType: '' }, {}, 'manifest', mediaTypes.ociManifest],
  [dockerImage, {}, 'manifest', mediaTypes.dockerManifest],
  [index, {}, 'index', mediaTypes.ociIndex],
  [bareIndex, {}, 'index', mediaTypes.ociIndex],
  [dockerList, { mediaType: mediaTypes.dockerManifestList }, 'index', mediaTypes.dockerManifestList],
  [{ ...index, manifests: [] }, {}, 'index', mediaTypes.ociIndex],
  [{ ...index, manifests: null }, {}, 'index', mediaTypes.ociIndex],
  [{ ...image, layers: [] }, {}, 'manifest', mediaTypes.ociManifest],
  [{ ...image, layers: null }, {}, 'manifest', mediaTypes.ociManifest],
  [{ ...image, artifactType: 'application/x', subject: entry }, {}, 'manifest', mediaTypes.ociManifest],
  [{ ...image, annotations: { a: 'b' }, unknown: [1] }, {}, 'manifest', mediaTypes.ociManifest],
];

/** Document, and the field that is named. */
const wrong: readonly (readonly [unknown, string])[] = [
  [{ ...image, schemaVersion: 1 }, 'schemaVersion'],
  [{ ...image, schemaVersion: '2' }, 'schemaVersion'],
  [without(image, 'schemaVersion'), 'schemaVersion'],
  [without(image, 'config'), 'config'],
  [without(image, 'layers'), 'layers'],
  [{ ...image, config: null }, 'config'],
  [{ ...image, config: { ...config, digest: 'x' } }, 'config.digest'],
  [{ ...image, layers: [layer, { ...layer, size: -1 }] }, 'layers[1].size'],
  [{ ...image, layers: { 0: layer } }, 'layers'],
  [{ ...image, subject: { ...entry, digest: 7 } }, 'subject.digest'],
  [{ ...image, annotations: { a: null } }, 'annotations.a'],
  [{ ...image, artifactType: 7 }, 'artifactType'],
  [{ ...image, mediaType: 7 }, 'mediaType'],
  [{ ...index, manifests: [null] }, 'manifests[0]'],
  [{ ...index, manifests: 'x' }, 'manifests'],
  // CVE-2021-41190: a document that could be read as either.
  [{ ...image, manifests: [entry] }, 'manifests'],
  [{ ...image, manifests: null }, 'manifests'],
  [{ ...index, layers: [layer] }, 'layers'],
  [{ ...index, config }, 'config'],
  [{ ...image, fsLayers: [] }, 'fsLayers'],
  ['[]', ''],
  ['null', ''],
  ['"x"', ''],
];

const unreadable: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', Buffer.alloc(0)],
  ['no JSON', Buffer.from('{"schemaVersion":2,}')],
  ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['a byte order mark, which other readers refuse', Buffer.from(`\ufeff${JSON.stringify(image)}`)],
];

describe('manifests', () => {
  for (const [value, options, kind, mediaType] of good) {
    it(`${kind} ${mediaType} of ${JSON.stringify(value).slice(0, 60)}`, () => {
      const bytes = bytesOf(value);
      const document = parseManifest(bytes, options);
      expect([document.kind, document.mediaType]).to.deep.equal([kind, mediaType]);
      expect(document.bytes).to.equal(bytes);
      expect(document.digest).to.equal(digestOf(bytes));
    });
  }

  it('keep the bytes as they came, and what nobody knows', () => {
    const text = ` {"x-unknown" : {"b":1,"a":2},\n${JSON.stringify(image).slice(1)}\n`;
    const document = parseManifest(Buffer.from(text), { algorithm: 'sha512' });
    expect(Buffer.from(document.bytes).toString()).to.equal(text);
    expect(document.digest).to.equal(digestOf(text, 'sha512'));
    expect(document.value).to.have.property('x-unknown');
  });

  it('take null for a field that is left out', () => {
    const nothing = { artifactType: null, subject: null, annotations: null };
    expect(parseManifest(bytesOf({ ...image, ...nothing })).value).to.deep.equal(image);
    expect(parseManifest(bytesOf({ ...index, ...nothing })).value).to.deep.equal(index);
  });

  for (const [value, field] of wrong) {
    it(`refuses ${JSON.stringify(value).slice(0, 100)}`, () => {
      const error = thrownBy(() => parseManifest(bytesOf(value)), 'MANIFEST_INVALID');
      expect(error.detail).to.deep.equal({ field });
    });
  }
  for (const [title, bytes] of unreadable) {
    it(`refuses ${title}`, () => {
      expect(thrownBy(() => parseManifest(bytes), 'MANIFEST_INVALID').message).to.equal(
        'manifest is not JSON',
      );
    });
  }

  it('must be what they were announced as', () => {
    const announced = { mediaType: mediaTypes.dockerManifest };
    const { message } = thrownBy(() => parseManifest(bytesOf(image), announced), 'MANIFEST_INVALID');
    expect(message).to.match(/mediaType must be .*docker.*, as which it was announced/);
    thrownBy(() => parseManifest(bytesOf(bare), { mediaType: mediaTypes.ociIndex }), 'MANIFEST_INVALID');
    thrownBy(() => parseManifest(bytesOf(bare), { mediaType: 'application/json' }), 'MANIFEST_INVALID');
  });

  it('of schema 1 are told to be old', () => {
    const old = { schemaVersion: 1, mediaType: mediaTypes.dockerSchema1Signed, fsLayers: [] };
    expect(thrownBy(() => parseManifest(bytesOf(old)), 'MANIFEST_INVALID').remedy).to.match(/schema 1/);
  });

  it('have a limit', () => {
    const padding = ' '.repeat(manifestSizeLimit - JSON.stringify(image).length);
    parseManifest(Buffer.from(JSON.stringify(image) + padding));
    thrownBy(() => parseManifest(Buffer.from(`${JSON.stringify(image)}${padding} `)), 'SIZE_INVALID');
  });

  it('nested without end are an error as any other', () => {
    const deep = `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`;
    thrownBy(() => parseManifest(Buffer.from(deep)), 'MANIFEST_INVALID');
  });

  it('that are made here keep the order of their fields', () => {
    const made = serializeManifest({
      schemaVersion: 2,
      config,
      layers: [layer],
      annotations: { b: '1', a: '2' },
    });
    expect(Buffer.from(made.bytes).toString()).to.match(
      /^\{"schemaVersion":2,"config".*"b":"1","a":"2"\}\}$/,
    );
    expect(made.digest).to.equal(digestOf(made.bytes));
  });
});
