import { HawserError } from '../errors/hawser-error.ts';
import { resolveInRootfs } from './rootfs-path.ts';
import type { PreparedStep } from './run-oci-step.ts';
import { quote } from './shell-quote.ts';
import type { PathMount } from './step-bundles.ts';

const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/** Lines of sh(1) that mount what a step finds below its rootfs, in a mount namespace of its own. */
export function mountLines(
  step: PreparedStep,
  mounts: readonly PathMount[],
  options: { readonly ownPids: boolean },
): string[] {
  const inside = (path: string) => quote(resolveInRootfs(step.rootfs, path));
  const dev = inside('/dev');
  const lines = [
    `mount -t tmpfs -o nosuid,mode=755,size=65536k tmpfs ${dev}`,
    ...devices.map(name => `: > ${dev}/${name}; mount --bind /dev/${name} ${dev}/${name}`),
    `mkdir ${dev}/pts ${dev}/shm`,
    `mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts ${dev}/pts`,
    `mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=65536k shm ${dev}/shm`,
    `ln -s pts/ptmx ${dev}/ptmx; ln -s /proc/self/fd ${dev}/fd`,
    `ln -s /proc/self/fd/0 ${dev}/stdin; ln -s /proc/self/fd/1 ${dev}/stdout; ln -s /proc/self/fd/2 ${dev}/stderr`,
    options.ownPids
      ? `mount -t proc -o nosuid,nodev,noexec proc ${inside('/proc')}`
      : `mount --rbind /proc ${inside('/proc')}`,
    `mount --rbind /sys ${inside('/sys')}`,
    ...(step.privileged ? [] : [`mount -o remount,bind,ro ${inside('/sys')}`]),
  ];
  for (const mount of mounts) {
    const outer = mounts.find(other => mount.target.startsWith(`${other.target}/`));
    if (outer !== undefined) lines.push(...nestedLines(mount, outer, step));
    else if (mount.target.startsWith('/dev/')) lines.push(...deviceFolderLines(mount, dev));
    else lines.push(...mountOn(mount, inside(mount.target)));
  }
  if (step.network === 'none') lines.push('ip link set lo up 2>/dev/null || :');
  return lines;
}

/** The mount itself; `-c` keeps mount(8) from looking the target up once more. */
function mountOn(mount: PathMount, target: string): string[] {
  if (mount.type === 'tmpfs') {
    const size = mount.size === undefined ? '' : `,size=${mount.size}`;
    const access = mount.readOnly === true ? ',ro' : '';
    const mode = `mode=$(stat -c %a ${target})`; // that of the folder below it, as runc has it
    return [`mount -c -t tmpfs -o nosuid,nodev${size}${access},${mode} tmpfs ${target}`];
  }
  const lines = [`mount -c --rbind ${quote(mount.source)} ${target}`];
  const changes = [
    ...(mount.readOnly === true ? ['ro'] : []),
    ...(mount.executable === true ? ['exec'] : []),
  ];
  if (changes.length > 0) lines.push(`mount -c -o remount,bind,${changes.join(',')} ${target}`);
  return lines;
}

/** Below /dev, which is a file system of our own that is empty until now. */
function deviceFolderLines(mount: PathMount, dev: string): string[] {
  const target = `${dev}${quote(mount.target.slice('/dev'.length))}`;
  const parent = `${dev}${quote(mount.target.slice('/dev'.length).replace(/\/[^/]*$/, ''))}`;
  const make = isFile(mount) ? `mkdir -p ${parent}; : > ${target}` : `mkdir -p ${target}`;
  return [make, ...mountOn(mount, target)];
}

function isFile(mount: PathMount): boolean {
  return mount.type === 'bind' && mount.isFolder === false;
}

/**
 * A target inside another mount, whose links nobody has looked at and which another build may be changing: each folder is
 * entered, and what was entered is compared with what was meant before anything is mounted on it.
 */
function nestedLines(mount: PathMount, outer: PathMount, step: PreparedStep): string[] {
  if (isFile(mount)) {
    throw new HawserError(
      'UNSUPPORTED',
      `RUN with --mount: the file ${mount.target} lies inside the mount ${outer.target}`,
      { remedy: 'Give it another target, or install runc, which can do this safely.' },
    );
  }
  const parts = mount.target.slice(outer.target.length + 1).split('/');
  const enter = (part: string, index: number) => {
    const [folder, expected] = [quote(`./${part}`), quote(`/${parts.slice(0, index + 1).join('/')}`)];
    return `[ -d ${folder} ] || mkdir ${folder}; cd ${folder}; [ "$(pwd -P)" = "$outer"${expected} ] || outside`;
  };
  return [
    'outside() { echo "a link leads out of the mount" >&2; exit 125; }',
    `cd ${quote(resolveInRootfs(step.rootfs, outer.target))}; outer=$(pwd -P)`,
    ...parts.map(enter),
    ...mountOn(mount, '.'),
    'cd /',
  ];
}
