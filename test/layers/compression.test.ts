import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  type Compression,
  type CompressOptions,
  compress,
  decompress,
  detectCompression,
} from '../../src/layers/compression.ts';

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function* pieces(content: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

function through(program: string, args: readonly string[], input: Buffer): Buffer | undefined {
  const result = spawnSync(program, args, { input, maxBuffer: 1 << 27 });
  return result.error === undefined && result.status === 0 ? result.stdout : undefined;
}

/** 3.5 MB, half of it random. */
const noise = randomBytes(250_000);
const content = Buffer.concat(
  Array.from({ length: 14 }, (_, index) => (index % 2 === 0 ? noise : Buffer.alloc(250_000, index))),
);

const squeezers: readonly CompressOptions[] = [
  { compression: 'gzip' },
  { compression: 'gzip', level: 1 },
  { compression: 'zstd' },
];
const magics: readonly (readonly [hex: string, compression: Compression])[] = [
  ['1f8b0800', 'gzip'],
  ['28b52ffd00', 'zstd'],
  ['502a4d1804', 'zstd'],
  ['425a6839', 'bzip2'],
  ['fd377a585a00', 'xz'],
  ['1f8b', 'uncompressed'],
  ['', 'uncompressed'],
  ['6574632f', 'uncompressed'],
];

describe('layers/compression', () => {
  for (const [hex, compression] of magics) {
    it(`${hex === '' ? 'nothing' : hex} is ${compression}`, () => {
      expect(detectCompression(Buffer.from(hex, 'hex'))).to.equal(compression);
    });
  }

  it('C1 gzip gives the same bytes for any threads and any pieces', async () => {
    const first = await collect(compress([content], { compression: 'gzip', threads: 1 }));
    for (const threads of [2, 16]) {
      const again = await collect(compress(pieces(content, 77_777), { compression: 'gzip', threads }));
      expect(again.equals(first)).to.equal(true);
    }
  });

  it('C1 zlib, gzip and zstd of the system read what we write', async function () {
    const zipped = await collect(compress([content], { compression: 'gzip' }));
    expect(gunzipSync(zipped).equals(content)).to.equal(true);
    expect(through('gzip', ['-dc'], zipped)?.equals(content)).to.equal(true);
    const squeezed = await collect(compress([content], { compression: 'zstd' }));
    const plain = through('zstd', ['-dc'], squeezed);
    if (plain === undefined) return void this.skip();
    expect(plain.equals(content)).to.equal(true);
  });

  for (const options of squeezers) {
    it(`decompress(compress(x)) is x: ${JSON.stringify(options)}`, async () => {
      for (const sample of [
        content,
        Buffer.alloc(0),
        Buffer.from('x'),
        Buffer.alloc(1024 * 1024),
        Buffer.alloc(9_000_000),
      ]) {
        const packed = await collect(compress([sample], options));
        expect(detectCompression(packed)).to.equal(options.compression);
        const plain = await collect(decompress(pieces(packed, 10_007), options.compression));
        expect(plain.equals(sample)).to.equal(true);
      }
    });
  }

  it('several members and frames are one content', async () => {
    const twice = Buffer.concat([content, content]);
    const zipped = gzipSync(content);
    expect((await collect(decompress([zipped, zipped], 'gzip'))).equals(twice)).to.equal(true);
    const frame = await collect(compress([content], { compression: 'zstd' }));
    expect((await collect(decompress([Buffer.concat([frame, frame])], 'zstd'))).equals(twice)).to.equal(true);
  });

  for (const [program, compression] of [
    ['bzip2', 'bzip2'],
    ['xz', 'xz'],
  ] as const) {
    it(`reads ${program}`, async function () {
      const packed = through(program, ['-c'], content);
      if (packed === undefined) return void this.skip();
      expect(detectCompression(packed)).to.equal(compression);
      expect((await collect(decompress(pieces(packed, 5000), compression))).equals(content)).to.equal(true);
      const failure = await collect(decompress([packed.subarray(0, 1000)], compression)).catch(
        (error: unknown) => error,
      );
      expect(failure).to.have.property('code', 'COMPRESSION_INVALID');
    });
  }

  for (const compression of ['gzip', 'zstd'] as const) {
    it(`broken ${compression} is COMPRESSION_INVALID, whatever is broken`, async () => {
      const packed = await collect(compress([content.subarray(0, 300_000)], { compression }));
      const cut = await collect(decompress([packed.subarray(0, packed.length - 5)], compression)).catch(
        (error: unknown) => error,
      );
      expect(cut).to.have.property('code', 'COMPRESSION_INVALID');
      const property = fc.asyncProperty(
        fc.integer({ min: 0, max: packed.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const broken = Buffer.from(packed);
          broken[at] = (broken[at] as number) ^ flip;
          const result = await collect(decompress([broken], compression)).catch(
            (error: unknown) => error as Error,
          );
          if (!Buffer.isBuffer(result)) expect(result).to.have.property('code', 'COMPRESSION_INVALID');
        },
      );
      await fc.assert(property, { numRuns: 60 });
    });

    it(`${compression} passes on an error of its source`, async () => {
      const broken = new Error('source');
      const source = async function* () {
        yield content.subarray(0, 10);
        throw broken;
      };
      expect(await collect(compress(source(), { compression })).catch((error: unknown) => error)).to.equal(
        broken,
      );
      const packed = await collect(compress([content], { compression }));
      const half = async function* () {
        yield packed.subarray(0, 1000);
        throw broken;
      };
      expect(await collect(decompress(half(), compression)).catch((error: unknown) => error)).to.equal(
        broken,
      );
    });

    it(`${compression} refuses a level that is none`, async () => {
      for (const level of [0, 20, 1.5]) {
        let failure: unknown;
        try {
          await collect(compress([content], { compression, level }));
        } catch (error) {
          failure = error;
        }
        expect(failure).to.have.property('code', 'INVALID_ARGUMENT');
      }
    });
  }
});
