import { copyFileSync, existsSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const programs = ['/bin/busybox', '/usr/bin/busybox'];
const links =
  'sh true false echo sleep cat ls id httpd wget kill trap touch mkdir rm stat env pwd hostname ps ip mount test readlink grep head mknod'.split(
    ' ',
  );

/** Debian's busybox-static; undefined where it is not installed. */
export function findBusybox(): string | undefined {
  return programs.find(path => existsSync(path));
}

/** Fills a folder with a small root file system. */
export function makeBusyboxRootfs(folder: string, busybox: string): void {
  for (const name of ['bin', 'etc', 'tmp', 'home/app', 'www'])
    mkdirSync(join(folder, name), { recursive: true });
  copyFileSync(busybox, join(folder, 'bin/busybox'));
  for (const name of links) symlinkSync('busybox', join(folder, 'bin', name));
  writeFileSync(
    join(folder, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:an app:/home/app:/bin/sh\n',
  );
  writeFileSync(join(folder, 'etc/group'), 'root:x:0:\napp:x:1000:\nextra:x:2000:app\n');
  writeFileSync(join(folder, 'www/index.html'), 'hello from the image\n');
  lchownSync(join(folder, 'home/app'), 1000, 1000);
}
