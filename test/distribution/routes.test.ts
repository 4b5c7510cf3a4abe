import { expect } from 'chai';
import { formatRoute, parseManifestReference, parseRoute } from '../../src/distribution/routes.ts';
import type { ErrorCode } from '../../src/errors/codes.ts';
import { thrownBy } from '../support/thrown-by.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const sha512 = `sha512:${'b'.repeat(128)}`;
const uuid = '01234567-89ab-cdef-0123-456789abcdef';

/** Path, and its route; the path is the one that the route is written as, unless a third column has another. */
const rows: readonly (readonly [string, object, string?])[] = [
  ['/v2/', { kind: 'base' }],
  ['/v2', { kind: 'base' }, '/v2/'],
  ['/v2/_catalog', { kind: 'catalog' }],
  [`/v2/a/b/blobs/${digest}`, { kind: 'blob', name: 'a/b', digest }],
  [`/v2/a/blobs/${sha512}`, { kind: 'blob', name: 'a', digest: sha512 }],
  ['/v2/a/blobs/uploads/', { kind: 'uploads', name: 'a' }],
  ['/v2/a/blobs/uploads', { kind: 'uploads', name: 'a' }, '/v2/a/blobs/uploads/'],
  [`/v2/a/blobs/uploads/${uuid}`, { kind: 'upload', name: 'a', uuid }],
  ['/v2/a/manifests/latest', { kind: 'manifest', name: 'a', reference: { kind: 'tag', tag: 'latest' } }],
  [`/v2/a/manifests/${digest}`, { kind: 'manifest', name: 'a', reference: { kind: 'digest', digest } }],
  ['/v2/a/tags/list', { kind: 'tags', name: 'a' }],
  [`/v2/a/referrers/${digest}`, { kind: 'referrers', name: 'a', digest }],
  // Words of the API are names too.
  [
    '/v2/manifests/manifests/tags',
    { kind: 'manifest', name: 'manifests', reference: { kind: 'tag', tag: 'tags' } },
  ],
  ['/v2/blobs/uploads/tags/list', { kind: 'tags', name: 'blobs/uploads' }],
  ['/v2/tags/list/tags/list', { kind: 'tags', name: 'tags/list' }],
];

const unknown = [
  '/v2//tags/list',
  '/v2/a/manifests/sha256:../../../etc/passwd',
  '',
  '/',
  '/v1/',
  '/v2x',
  '/v2/a',
  '/v2/a/tags',
  '/v2/tags/list',
  '/v2/a/tags/list/',
  '/v2/_catalog/',
  '/V2/',
];

const wrong: readonly (readonly [string, ErrorCode])[] = [
  ['/v2/A/tags/list', 'NAME_INVALID'],
  ['/v2/../tags/list', 'NAME_INVALID'],
  ['/v2/a/../../etc/tags/list', 'NAME_INVALID'],
  ['/v2/a%2f..%2fb/tags/list', 'NAME_INVALID'],
  ['/v2///tags/list', 'NAME_INVALID'],
  [`/v2/${'a/'.repeat(128)}b/tags/list`, 'NAME_INVALID'],
  ['/v2/a/blobs/latest', 'DIGEST_INVALID'],
  ['/v2/a/blobs/sha256:..', 'DIGEST_INVALID'],
  [`/v2/a/blobs/${digest.toUpperCase()}`, 'DIGEST_INVALID'],
  [`/v2/a/blobs/md5:${'a'.repeat(32)}`, 'DIGEST_INVALID'],
  // CVE-2024-3727: a digest that is a path.
  ['/v2/a/manifests/sha256:..', 'DIGEST_INVALID'],
  ['/v2/a/manifests/.hidden', 'MANIFEST_INVALID'],
  ['/v2/a/referrers/latest', 'DIGEST_INVALID'],
  ['/v2/a/blobs/uploads/..', 'BLOB_UPLOAD_UNKNOWN'],
  [`/v2/a/blobs/uploads/${uuid.toUpperCase()}`, 'BLOB_UPLOAD_UNKNOWN'],
  [`/v2/a/blobs/uploads/${uuid}\n`, 'BLOB_UPLOAD_UNKNOWN'],
];

describe('routes of the registry', () => {
  for (const [path, route, written = path] of rows) {
    it(path.slice(0, 60), () => {
      const parsed = parseRoute(path);
      expect(parsed).to.deep.equal(route);
      if (parsed !== undefined) expect(formatRoute(parsed)).to.equal(written);
    });
  }
  for (const path of unknown) {
    it(`does not know ${JSON.stringify(path)}`, () => expect(parseRoute(path)).to.equal(undefined));
  }
  for (const [path, code] of wrong) {
    it(`refuses ${JSON.stringify(path.slice(0, 60))}`, () => {
      thrownBy(() => parseRoute(path), code);
    });
  }

  it('reads references of manifests as tags where they can be one', () => {
    expect(parseManifestReference('a'.repeat(64))).to.deep.equal({ kind: 'tag', tag: 'a'.repeat(64) });
    thrownBy(() => parseManifestReference(`sha256:${'a'.repeat(63)}`), 'DIGEST_INVALID');
    thrownBy(() => parseManifestReference(''), 'MANIFEST_INVALID');
  });
});
