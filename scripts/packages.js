// Installs the Debian packages that are missing; says what it does.
import { spawnSync } from 'node:child_process';
import { accessSync } from 'node:fs';

/** Program or file → the Debian package that brings it. */
export const runtimePackages = {
  '/usr/sbin/runc': 'runc',
  '/usr/bin/conmon': 'conmon',
  '/usr/lib/cni/bridge': 'containernetworking-plugins',
  '/usr/sbin/iptables': 'iptables',
  '/usr/bin/mmdebstrap': 'mmdebstrap',
};

export const peerPackages = {
  ...runtimePackages,
  '/usr/sbin/dockerd': 'docker.io',
  '/usr/bin/docker': 'docker.io',
  '/usr/bin/buildah': 'buildah',
  '/usr/bin/podman': 'podman',
  '/usr/bin/skopeo': 'skopeo',
  '/usr/bin/umoci': 'umoci',
  '/usr/bin/ctr': 'containerd',
  '/usr/bin/docker-registry': 'docker-registry',
  '/usr/bin/busybox': 'busybox-static',
  '/usr/bin/bsdtar': 'libarchive-tools',
  '/usr/bin/python3': 'python3-minimal',
  '/usr/bin/pigz': 'pigz',
  '/usr/bin/zstd': 'zstd',
  '/usr/bin/xz': 'xz-utils',
  '/usr/bin/bzip2': 'bzip2',
  '/usr/bin/setfattr': 'attr',
  '/usr/bin/curl': 'curl',
  '/usr/sbin/mkfs.ext4': 'e2fsprogs',
  '/usr/sbin/mkfs.btrfs': 'btrfs-progs',
  '/usr/bin/openssl': 'openssl',
  '/usr/sbin/ip': 'iproute2',
  '/usr/bin/git': 'git',
  '/usr/bin/ssh-agent': 'openssh-client',
  '/usr/bin/newuidmap': 'uidmap',
  '/usr/bin/rpmbuild': 'rpm',
  '/usr/bin/db5.3_load': 'db5.3-util',
  '/usr/bin/qemu-aarch64-static': 'qemu-user-static',
  '/usr/bin/chromium': 'chromium',
};

const exists = path => {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
};

/** @returns the packages that were installed */
export function installMissing(wanted) {
  const missing = [
    ...new Set(
      Object.entries(wanted)
        .filter(([path]) => !exists(path))
        .map(([, name]) => name),
    ),
  ];
  if (missing.length === 0) return [];
  const root = process.getuid() === 0;
  if (!root || !exists('/usr/bin/apt-get')) {
    throw new Error(
      `these packages are missing: ${missing.join(' ')}\n  Install them (apt-get install ${missing.join(' ')}) and run this again.`,
    );
  }
  console.log(`installing Debian packages: ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update', '-q'],
    ['install', '-q', '-y', '--no-install-recommends', ...missing],
  ]) {
    const done = spawnSync('apt-get', args, { env, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`apt-get ${args.join(' ')} failed:\n${done.stdout}${done.stderr}`);
  }
  return missing;
}
