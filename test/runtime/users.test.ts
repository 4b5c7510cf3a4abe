import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { parsePasswd, resolveUser } from '../../src/runtime/users.ts';
import { useTemporaryFolder } from './support/temporary-folder.ts';

const passwd = [
  '# a comment',
  'root:x:0:0:root:/root:/bin/sh',
  'app:x:1000:1000:an app:/home/app:/bin/sh',
  'web:x:33:33::/var/www:/bin/false',
  '2000:x:42:43:a number for a name:/n:',
  'broken:x:one:two::/:',
  'huge:x:4294967296:0::/:',
  'homeless:x:50:50:::',
].join('\n');
const group = [
  'root:x:0:',
  'app:x:1000:',
  'extra:x:2000:app,web',
  'docker:x:999:app',
  'wheel:x:10:root',
].join('\n');

const cases: readonly (readonly [string, object])[] = [
  ['', { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' }],
  ['root', { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' }],
  ['app', { uid: 1000, gid: 1000, additionalGids: [1000, 2000, 999], home: '/home/app' }],
  ['1000', { uid: 1000, gid: 1000, additionalGids: [1000, 2000, 999], home: '/home/app' }],
  // CVE-2023-25173: the primary group is always among the supplementary ones, and an explicit one is the only one
  ['app:extra', { uid: 1000, gid: 2000, additionalGids: [2000], home: '/home/app' }],
  ['app:4321', { uid: 1000, gid: 4321, additionalGids: [4321], home: '/home/app' }],
  ['4242', { uid: 4242, gid: 0, additionalGids: [0], home: '/' }],
  ['4242:7', { uid: 4242, gid: 7, additionalGids: [7], home: '/' }],
  [':app', { uid: 0, gid: 1000, additionalGids: [1000], home: '/root' }],
  ['2000', { uid: 2000, gid: 0, additionalGids: [0], home: '/' }], // although user 42 is called so
  ['homeless', { uid: 50, gid: 50, additionalGids: [50], home: '/' }],
  ['2147483647', { uid: 2147483647, gid: 0, additionalGids: [0], home: '/' }],
];

const refused: readonly (readonly [string, RegExp])[] = [
  ['nobody', /user "nobody" is not in \/etc\/passwd/],
  ['app:nogroup', /group "nogroup" is not in \/etc\/group/],
  // CVE-2024-40635: would wrap to root
  ['4294967296', /uid 4294967296 is over 2147483647/],
  ['2147483648', /uid 2147483648/],
  ['0:4294967296', /gid 4294967296/],
  ['99999999999999999999', /uid 99999999999999999999/],
  ['-1', /user "-1"/],
  ['broken', /user "broken"/],
  ['huge', /user "huge"/],
];

describe('USER', () => {
  const folder = useTemporaryFolder();

  beforeEach(() => {
    mkdirSync(join(folder(), 'etc'));
    writeFileSync(join(folder(), 'etc/passwd'), passwd);
    writeFileSync(join(folder(), 'etc/group'), group);
  });

  for (const [user, expected] of cases) {
    it(`${JSON.stringify(user)} is ${JSON.stringify(expected)}`, () => {
      expect(resolveUser(folder(), user)).to.deep.equal(expected);
    });
  }

  for (const [user, message] of refused) {
    it(`${JSON.stringify(user)} is refused`, () => {
      expect(() => resolveUser(folder(), user))
        .to.throw(message)
        .and.satisfy((error: unknown) => isHawserError(error, 'INVALID_ARGUMENT'));
    });
  }

  it('needs no passwd for root and numbers', () => {
    const empty = join(folder(), 'empty');
    mkdirSync(empty);
    expect(resolveUser(empty, 'root').uid).to.equal(0);
    expect(resolveUser(empty, '7').uid).to.equal(7);
  });

  it('reads passwd of the rootfs, never of the host, whatever the link says', () => {
    const rootfs = join(folder(), 'linked');
    mkdirSync(join(rootfs, 'etc'), { recursive: true });
    mkdirSync(join(rootfs, 'real'), { recursive: true });
    writeFileSync(join(rootfs, 'real/passwd'), 'inside:x:77:78::/in:/bin/sh\n');
    symlinkSync('../../../../../../real/passwd', join(rootfs, 'etc/passwd'));
    expect(resolveUser(rootfs, 'inside')).to.include({ uid: 77, gid: 78 });
    const outside = join(folder(), 'outside');
    mkdirSync(join(outside, 'etc'), { recursive: true });
    symlinkSync(join(folder(), 'etc/passwd'), join(outside, 'etc/passwd'));
    expect(() => resolveUser(outside, 'app')).to.throw(/user "app"/);
  });

  it('does not wait for a fifo in place of passwd', () => {
    const rootfs = join(folder(), 'fifo');
    mkdirSync(join(rootfs, 'etc'), { recursive: true });
    execFileSync('mkfifo', [join(rootfs, 'etc/passwd')]);
    expect(() => resolveUser(rootfs, '5')).to.throw('/etc/passwd of the image is no file');
  });

  it('leaves malformed lines out', () => {
    expect(parsePasswd(passwd).map(({ name }) => name)).to.deep.equal([
      'root',
      'app',
      'web',
      '2000',
      'homeless',
    ]);
  });
});
