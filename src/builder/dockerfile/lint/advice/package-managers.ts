/** How a package manager leaves a cache behind, and how it does not. */
export interface PackageManager {
  readonly programs: readonly string[];
  /** Verbs that fill the cache. */
  readonly verbs: readonly string[];
  /** What stays, for the message. */
  readonly leaves: string;
  /** An option of the install with which nothing stays. */
  readonly option?: { readonly text: string; readonly pattern: RegExp };
  /** A variable with which nothing stays. */
  readonly variable?: string;
  /** A later command of the same RUN with which nothing stays. */
  readonly cleanup: {
    /** `PROGRAM` stands for the one that installs. */
    readonly command: string;
    readonly pattern: RegExp;
  };
  /** The verb that fetches anew what was cleaned away, where the others do not by themselves. */
  readonly refresh?: string;
  /** Folders on which a cache mount keeps it out of the layer. */
  readonly folders: readonly string[];
}

export const packageManagers: readonly PackageManager[] = [
  {
    programs: ['apt-get', 'apt', 'aptitude'],
    verbs: ['install', 'upgrade', 'dist-upgrade', 'full-upgrade', 'build-dep', 'satisfy'],
    leaves: 'its package lists',
    cleanup: {
      command: 'rm -rf /var/lib/apt/lists/*',
      pattern: /\/var\/lib\/apt(?:\/|\s|$)|\bapt(?:-get)? dist-clean\b|\/var\/lib\/\{[^}]*\bapt\b/,
    },
    refresh: 'update',
    folders: ['/var/lib/apt'],
  },
  {
    programs: ['apk'],
    verbs: ['add', 'upgrade'],
    leaves: 'its package index',
    option: { text: '--no-cache', pattern: /^--no-cache$/ },
    cleanup: { command: 'rm -rf /var/cache/apk/*', pattern: /\/var\/cache\/apk|\bapk cache (?:clean|purge)/ },
    folders: ['/var/cache/apk', '/etc/apk/cache'],
  },
  {
    programs: ['pip', 'pip3', 'pip2'],
    verbs: ['install', 'download', 'wheel'],
    leaves: 'its cache of wheels',
    option: { text: '--no-cache-dir', pattern: /^--no-cache-dir$/ },
    variable: 'PIP_NO_CACHE_DIR',
    cleanup: { command: 'PROGRAM cache purge', pattern: /\bpip[\d.]* cache purge|\.cache\b/ },
    folders: ['/root/.cache', '/.cache'],
  },
  {
    programs: ['npm'],
    verbs: ['ci', 'install', 'i', 'add', 'clean-install'],
    leaves: 'its cache of packages',
    cleanup: { command: 'npm cache clean --force', pattern: /\bnpm cache (?:clean|clear|rm)\b|\.npm\b/ },
    folders: ['/root/.npm', '/.npm'],
  },
  {
    programs: ['yarn'],
    verbs: ['install', 'add'],
    leaves: 'its cache of packages',
    cleanup: { command: 'yarn cache clean', pattern: /\byarn cache clean\b|\.cache\b/ },
    folders: ['/usr/local/share/.cache', '/root/.cache', '/root/.yarn'],
  },
  {
    programs: ['yum', 'dnf', 'microdnf', 'tdnf'],
    verbs: ['install', 'update', 'upgrade', 'groupinstall', 'localinstall', 'reinstall'],
    leaves: 'its metadata and packages',
    cleanup: {
      command: 'PROGRAM clean all',
      pattern: /\b(?:yum|dnf|microdnf|tdnf)(?: -\S+)* clean all\b|\/var\/cache\/(?:yum|dnf)/,
    },
    folders: ['/var/cache/yum', '/var/cache/dnf', '/var/cache/libdnf5'],
  },
  {
    programs: ['zypper'],
    verbs: ['install', 'in', 'update', 'up', 'patch', 'dup'],
    leaves: 'its metadata and packages',
    cleanup: {
      command: 'zypper clean --all',
      pattern: /\bzypper(?: -\S+)* (?:clean|cc)\b|\/var\/cache\/zypp/,
    },
    folders: ['/var/cache/zypp'],
  },
  {
    programs: ['composer'],
    verbs: ['install', 'update', 'require'],
    leaves: 'its cache of packages',
    option: { text: '--no-cache', pattern: /^--no-cache$/ },
    cleanup: { command: 'composer clear-cache', pattern: /\bcomposer (?:clear-?cache|clearcache|cc)\b/ },
    folders: ['/root/.composer', '/root/.cache/composer', '/tmp/cache'],
  },
];
