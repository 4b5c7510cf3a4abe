import { HawserError } from '../errors/hawser-error.ts';
import { maskedPaths, readonlyPaths } from './oci-spec.ts';
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
  const root = quote(step.rootfs);
  const lines = [
    // A step may make device nodes, which belong into its layer; a runtime's cgroup would keep it from opening them.
    ...(step.privileged ? [] : [`mount --bind ${root} ${root}; mount -o remount,bind,nodev ${root}`]),
    `mount -t tmpfs -o nosuid,mode=755,size=65536k tmpfs ${dev}`,
    ...devices.map(name => `: > ${dev}/${name}; mount --bind /dev/${name} ${dev}/${name}`),
    `mkdir ${dev}/pts ${dev}/shm`,
    `mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts ${dev}/pts`,
    `mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=${step.limits.shmSize ?? 64 << 20} shm ${dev}/shm`,
    `ln -s pts/ptmx ${dev}/ptmx; ln -s /proc/self/fd ${dev}/fd`,
    `ln -s /proc/self/fd/0 ${dev}/stdin; ln -s /proc/self/fd/1 ${dev}/stdout; ln -s /proc/self/fd/2 ${dev}/stderr`,
    options.ownPids
      ? `mount -t proc -o nosuid,nodev,noexec proc ${inside('/proc')}`
      : `mount --rbind /proc ${inside('/proc')}`,
    `mount --rbind /sys ${inside('/sys')}`,
    ...(step.privileged ? [] : protectionLines(inside)),
  ];
  for (const mount of mounts) {
    const outer = mounts.find(other => mount.target.startsWith(`${other.target}/`));
    const options = { mayOpenDevices: step.privileged };
    if (outer !== undefined) lines.push(...nestedLines(mount, outer, step));
    else if (mount.target.startsWith('/dev/')) lines.push(...deviceFolderLines(mount, dev, options));
    else lines.push(...mountOn(mount, inside(mount.target), options));
  }
  if (step.network === 'none') lines.push('ip link set lo up 2>/dev/null || :');
  return lines;
}

/** As a runtime does it: root without capabilities could still write core_pattern, which is the host's. */
function protectionLines(inside: (path: string) => string): string[] {
  const below = (path: string) => {
    const [, top = '', rest = ''] = /^(\/[^/]+)(.*)$/.exec(path) ?? [];
    return `${inside(top)}${quote(rest)}`;
  };
  return [
    `mount -o remount,bind,ro ${inside('/sys')}`,
    ...readonlyPaths
      .map(below)
      .map(
        path => `if [ -e ${path} ]; then mount --bind ${path} ${path}; mount -o remount,bind,ro ${path}; fi`,
      ),
    ...maskedPaths
      .map(below)
      .map(
        path =>
          `if [ -d ${path} ]; then mount -t tmpfs -o ro,size=4k tmpfs ${path}; elif [ -e ${path} ]; then mount --bind /dev/null ${path}; fi`,
      ),
  ];
}

interface DeviceOptions {
  readonly mayOpenDevices: boolean;
}

/** The mount itself; `-c` keeps mount(8) from looking the target up once more. */
function mountOn(mount: PathMount, target: string, { mayOpenDevices }: DeviceOptions): string[] {
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
    ...(mayOpenDevices || isFile(mount) ? [] : ['nodev']),
  ];
  if (changes.length > 0) lines.push(`mount -c -o remount,bind,${changes.join(',')} ${target}`);
  return lines;
}

/** Below /dev, which is a file system of our own that is empty until now. */
function deviceFolderLines(mount: PathMount, dev: string, options: DeviceOptions): string[] {
  const target = `${dev}${quote(mount.target.slice('/dev'.length))}`;
  const parent = `${dev}${quote(mount.target.slice('/dev'.length).replace(/\/[^/]*$/, ''))}`;
  const make = isFile(mount) ? `mkdir -p ${parent}; : > ${target}` : `mkdir -p ${target}`;
  return [make, ...mountOn(mount, target, options)];
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
  const [mounting = '', ...remounting] = mountOn(mount, '.', { mayOpenDevices: step.privileged });
  // What was entered before is below the mount now.
  const again = [
    `cd "$outer"${quote(`/${parts.join('/')}`)}`,
    '[ "$(pwd -P)" = "$PWD" ] || outside',
    ...remounting,
  ];
  return [
    'outside() { echo "a link leads out of the mount" >&2; exit 125; }',
    `cd ${quote(resolveInRootfs(step.rootfs, outer.target))}; outer=$(pwd -P)`,
    ...parts.map(enter),
    mounting,
    ...(remounting.length === 0 ? [] : again),
    'cd /',
  ];
}
