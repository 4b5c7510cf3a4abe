import { expect } from 'chai';
import type { Descriptor } from '../../src/image/descriptor.ts';
import { digestOf } from '../../src/image/digest.ts';
import {
  formatPlatform,
  hostPlatform,
  normalizePlatform,
  parsePlatform,
  platformRank,
  selectPlatform,
} from '../../src/image/platform.ts';
import { thrownBy } from '../support/thrown-by.ts';

const host = hostPlatform();

/** Text, and the platform in canonical names. */
const rows: readonly (readonly [string, string])[] = [
  ['linux/amd64', 'linux/amd64'],
  ['amd64', 'linux/amd64'],
  ['x86_64', 'linux/amd64'],
  ['LINUX/X86-64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
  ['i386', 'linux/386'],
  ['linux/i686', 'linux/386'],
  ['aarch64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm64/8', 'linux/arm64'],
  ['linux/arm64/v8.0', 'linux/arm64'],
  ['linux/arm64/v9', 'linux/arm64/v9'],
  ['arm', 'linux/arm/v7'],
  ['armhf', 'linux/arm/v7'],
  ['armel', 'linux/arm/v6'],
  ['linux/arm/6', 'linux/arm/v6'],
  ['linux/arm/V6', 'linux/arm/v6'],
  ['macos/arm64', 'darwin/arm64'],
  ['windows/amd64', 'windows/amd64'],
  ['riscv64', 'linux/riscv64'],
  ['linux', formatPlatform({ ...host, os: 'linux' })],
  // Names of what every JavaScript object has are names like any other.
  ['linux/constructor', 'linux/constructor'],
  ['__proto__', 'linux/__proto__'],
];

const wrong = [
  '',
  '/',
  'linux/',
  '/amd64',
  'linux//v7',
  'a/b/c/d',
  'linux/amd 64',
  'linux/amd64\n',
  'linux:amd64',
  'ä',
];

/** What an index offers, what is wanted, and what is taken. */
const choices: readonly (readonly [readonly string[], string, string | undefined])[] = [
  [['linux/arm64', 'linux/amd64'], 'linux/amd64', 'linux/amd64'],
  [['linux/arm64', 'windows/amd64'], 'linux/amd64', undefined],
  [['linux/386'], 'linux/amd64', 'linux/386'],
  [['linux/386', 'linux/amd64'], 'linux/amd64', 'linux/amd64'],
  [['linux/amd64'], 'linux/386', undefined],
  [['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4'], 'linux/amd64/v3', 'linux/amd64/v2'],
  [['linux/amd64/v2'], 'linux/amd64', undefined],
  [['linux/arm/v5', 'linux/arm/v6', 'linux/arm/v7'], 'linux/arm/v6', 'linux/arm/v6'],
  [['linux/arm/v5'], 'linux/arm/v7', 'linux/arm/v5'],
  [['linux/arm/v7'], 'linux/arm/v6', undefined],
  [['linux/arm/v6', 'linux/arm/v7'], 'linux/arm64', 'linux/arm/v7'],
  [['linux/arm64/v8'], 'linux/arm64', 'linux/arm64/v8'],
  [['unknown/unknown', 'linux/amd64'], 'linux/amd64', 'linux/amd64'],
  [['linux/constructor'], 'linux/amd64', undefined],
  [[], 'linux/amd64', undefined],
];

function offer(text: string): Descriptor {
  const [os = '', architecture = '', variant] = text.split('/');
  const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
  return { mediaType: 'a/b', digest: digestOf(text), size: 1, platform };
}

describe('platforms', () => {
  for (const [text, expected] of rows) {
    it(text, () => expect(formatPlatform(parsePlatform(text))).to.equal(expected));
  }
  for (const text of wrong) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(thrownBy(() => parsePlatform(text), 'PLATFORM_INVALID').remedy).to.match(/linux\/amd64/);
    });
  }

  it('keep what else is known of them', () => {
    const windows = {
      os: 'Windows',
      architecture: 'x86_64',
      'os.version': '10.0.1',
      'os.features': ['win32k'],
    };
    expect(normalizePlatform(windows)).to.deep.equal({ ...windows, os: 'windows', architecture: 'amd64' });
  });

  for (const [offered, wanted, taken] of choices) {
    it(`${wanted} of [${offered.join(' ')}]: ${taken}`, () => {
      const descriptor = selectPlatform(offered.map(offer), parsePlatform(wanted));
      expect(descriptor?.digest).to.equal(taken === undefined ? undefined : digestOf(taken));
    });
  }

  it('takes the first of equals, and nothing without a platform', () => {
    const { platform: _, ...bare } = offer('linux/amd64');
    const first = { ...offer('linux/amd64'), size: 7 };
    const selected = selectPlatform([bare, first, offer('linux/amd64')], parsePlatform('linux/amd64'));
    expect(selected).to.equal(first);
  });

  it('runs what it is best', () => {
    expect(platformRank(host, host)).to.equal(0);
  });
});
