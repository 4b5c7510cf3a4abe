import { expect } from 'chai';
import {
  isIndexMediaType,
  isManifestMediaType,
  layerCompressionOf,
  mediaTypes,
} from '../../src/image/media-types.ts';

const oci = 'application/vnd.oci.image';
const docker = 'application/vnd.docker';

const layers: readonly (readonly [string, string | undefined])[] = [
  [`${oci}.layer.v1.tar`, 'uncompressed'],
  [`${oci}.layer.v1.tar+gzip`, 'gzip'],
  [`${oci}.layer.v1.tar+zstd`, 'zstd'],
  [`${oci}.layer.nondistributable.v1.tar+gzip`, 'gzip'],
  [`${docker}.image.rootfs.diff.tar`, 'uncompressed'],
  [`${docker}.image.rootfs.diff.tar.gzip`, 'gzip'],
  [`${docker}.image.rootfs.diff.tar.zstd`, 'zstd'],
  [`${docker}.image.rootfs.foreign.diff.tar.gzip`, 'gzip'],
  [`${oci}.layer.v1.tar+xz`, undefined],
  [`${oci}.layer.v1.tar+encrypted`, undefined],
  [`${oci}.config.v1+json`, undefined],
  ['application/octet-stream', undefined],
  ['constructor', undefined],
  ['', undefined],
];

describe('media types', () => {
  for (const [mediaType, compression] of layers) {
    it(`of layers: ${mediaType}`, () => expect(layerCompressionOf(mediaType)).to.equal(compression));
  }

  it('of manifests and indexes', () => {
    const all: readonly string[] = Object.values(mediaTypes);
    expect(all.filter(isIndexMediaType)).to.deep.equal([
      `${oci}.index.v1+json`,
      `${docker}.distribution.manifest.list.v2+json`,
    ]);
    expect(all.filter(isManifestMediaType)).to.deep.equal([
      `${oci}.manifest.v1+json`,
      `${docker}.distribution.manifest.v2+json`,
    ]);
    expect(isManifestMediaType(`${oci}.manifest.v1+json; charset=utf-8`)).to.equal(false);
  });
});
