/** A command that installs what some files name, and those files. */
export interface DependencyInstall {
  readonly programs: readonly string[];
  /** None: the command needs no verb. */
  readonly verbs: readonly string[];
  /** The first that there is in the context, and the others with it. */
  readonly files: readonly string[];
}

export const dependencyInstalls: readonly DependencyInstall[] = [
  {
    programs: ['npm'],
    verbs: ['ci', 'install', 'i', 'clean-install'],
    files: ['package.json', 'package-lock.json', 'npm-shrinkwrap.json', '.npmrc'],
  },
  { programs: ['yarn'], verbs: ['install', ''], files: ['package.json', 'yarn.lock', '.yarnrc.yml'] },
  {
    programs: ['pnpm'],
    verbs: ['install', 'i', 'fetch'],
    files: ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'],
  },
  { programs: ['bun'], verbs: ['install', 'i'], files: ['package.json', 'bun.lockb', 'bun.lock'] },
  { programs: ['pip', 'pip3'], verbs: ['install'], files: ['requirements.txt'] },
  { programs: ['poetry'], verbs: ['install'], files: ['pyproject.toml', 'poetry.lock'] },
  { programs: ['uv'], verbs: ['sync'], files: ['pyproject.toml', 'uv.lock'] },
  { programs: ['pipenv'], verbs: ['install', 'sync'], files: ['Pipfile', 'Pipfile.lock'] },
  { programs: ['bundle'], verbs: ['install', ''], files: ['Gemfile', 'Gemfile.lock'] },
  { programs: ['composer'], verbs: ['install'], files: ['composer.json', 'composer.lock'] },
  { programs: ['go'], verbs: ['mod'], files: ['go.mod', 'go.sum'] },
  { programs: ['cargo'], verbs: ['fetch'], files: ['Cargo.toml', 'Cargo.lock'] },
  { programs: ['mix'], verbs: ['deps.get'], files: ['mix.exs', 'mix.lock'] },
  { programs: ['dotnet'], verbs: ['restore'], files: ['*.csproj', '*.sln'] },
];

/** Packages of the system depend on no file of the context. */
export const systemInstalls: readonly DependencyInstall[] = [
  { programs: ['apt-get', 'apt'], verbs: ['install'], files: [] },
  { programs: ['apk'], verbs: ['add'], files: [] },
  { programs: ['yum', 'dnf', 'microdnf', 'zypper'], verbs: ['install'], files: [] },
];
