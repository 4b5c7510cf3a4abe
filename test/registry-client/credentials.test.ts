import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { type Credentials, storedCredentials } from '../../src/registry-client/credentials.ts';
import {
  credentialTarget,
  forgetCredentials,
  keepCredentials,
} from '../../src/registry-client/keep-credentials.ts';

const hub = 'https://index.docker.io/v1/';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const entry = (name: string) => ({ auth: base64(`${name}:secret`) });
const password = (username: string): Credentials => ({ kind: 'password', username, password: 'secret' });

/** A helper that keeps each secret in a file of its folder, and says what it was asked. */
const helper = `#!/bin/sh
dir=$(dirname "$0")/kept
mkdir -p "$dir"
input=$(cat)
echo "$1 $input" >> "$dir/../asked"
case $1 in
  store) name=$(echo "$input" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/' | tr '/:' '__'); echo "$input" > "$dir/$name" ;;
  get|erase) file=$dir/$(echo "$input" | tr '/:' '__')
    [ -e "$file" ] || { echo "credentials not found in native keychain"; exit 1; }
    if [ "$1" = get ]; then cat "$file"; else rm "$file"; fi ;;
esac
`;

describe('registry-client: credentials', () => {
  let folder: string;
  let env: Record<string, string>;
  const path = process.env.PATH;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hawser-credentials-'));
    env = { HOME: folder, DOCKER_CONFIG: join(folder, 'docker'), XDG_RUNTIME_DIR: join(folder, 'runtime') };
  });
  afterEach(async () => {
    process.env.PATH = path;
    await rm(folder, { recursive: true, force: true });
  });

  const write = async (name: string, content: unknown) => {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
  const install = async (name: string, text = helper) => {
    await chmod(await write(`bin/docker-credential-${name}`, text), 0o755);
    process.env.PATH = `${join(folder, 'bin')}:${path}`;
  };
  const find = (domain: string, repository = 'team/app') => storedCredentials(env)(domain, repository);
  const failure = async (work: Promise<unknown>) => {
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    if (isHawserError(error)) return `${error.code} ${error.message}`;
    throw new Error(`no error: ${String(error)}`);
  };

  /** [what, auths, domain, repository, expected] */
  const entries: readonly [string, object, string, string, Credentials | undefined][] = [
    ['a host', { 'r.example': entry('a') }, 'r.example', 'x', password('a')],
    ['a host with a port', { 'r.example:5000': entry('a') }, 'r.example:5000', 'x', password('a')],
    ['another port', { 'r.example:5000': entry('a') }, 'r.example', 'x', undefined],
    ['a URL as the key', { 'https://r.example': entry('a') }, 'r.example', 'x', password('a')],
    ["client trap #8: Docker Hub's long key", { [hub]: entry('a') }, 'docker.io', 'library/x', password('a')],
    [
      'a password with colons',
      { h: { auth: base64('a:b:c') } },
      'h',
      'x',
      { kind: 'password', username: 'a', password: 'b:c' },
    ],
    [
      'an identity token',
      { h: { auth: base64('a:'), identitytoken: 't' } },
      'h',
      'x',
      { kind: 'identity-token', token: 't' },
    ],
    ['a registry token', { h: { registrytoken: 't' } }, 'h', 'x', { kind: 'registry-token', token: 't' }],
    ['an entry without anything', { h: {} }, 'h', 'x', undefined],
    [
      'client trap #9: the most specific key of podman',
      { h: entry('a'), 'h/team': entry('b'), 'h/team/app': entry('c') },
      'h',
      'team/app',
      password('c'),
    ],
    ['a key of a repository above', { h: entry('a'), 'h/team': entry('b') }, 'h', 'team/app', password('b')],
    ['a key of another repository', { 'h/other': entry('b') }, 'h', 'team/app', undefined],
  ];
  for (const [what, auths, domain, repository, expected] of entries) {
    it(`finds ${what}`, async () => {
      await write('docker/config.json', { auths });
      expect(await find(domain, repository)).to.deep.equal(expected);
    });
  }

  it('client trap #9: asks the files in their order', async () => {
    const auths = (name: string) => ({ auths: { h: entry(name) } });
    await write('.dockercfg', { h: entry('oldest') });
    expect(await find('h')).to.deep.equal(password('oldest'));
    await write('.config/containers/auth.json', auths('own'));
    expect(await find('h')).to.deep.equal(password('own'));
    await write('runtime/containers/auth.json', auths('podman'));
    expect(await find('h')).to.deep.equal(password('podman'));
    await write('docker/config.json', auths('docker'));
    expect(await find('h')).to.deep.equal(password('docker'));
    env.REGISTRY_AUTH_FILE = await write('auth.json', auths('named'));
    expect(await find('h')).to.deep.equal(password('named'));
  });

  it("client trap #8: asks the host's helper, then the store, then the file", async () => {
    await install('one');
    await install('two');
    await write('bin/kept/h', { Username: 'kept', Secret: 'secret' });
    await write('docker/config.json', { auths: { h: entry('file'), g: entry('file') }, credsStore: 'two' });
    expect(await find('h')).to.deep.equal(password('kept'));
    expect(await find('g')).to.deep.equal(password('file'));
    await write('docker/config.json', { credsStore: 'missing', credHelpers: { h: 'one' } });
    expect(await find('h')).to.deep.equal(password('kept'));
    expect(await readFile(join(folder, 'bin/asked'), 'utf8')).to.equal('get h\nget g\nget h\n');
  });

  it("client trap #7: takes a helper's user <token> for an identity token", async () => {
    await install('one');
    await write('bin/kept/h', { Username: '<token>', Secret: 't' });
    await write('docker/config.json', { credHelpers: { h: 'one' } });
    expect(await find('h')).to.deep.equal({ kind: 'identity-token', token: 't' });
  });

  it('says what is wrong with a helper', async () => {
    await write('docker/config.json', { credsStore: 'nowhere' });
    expect(await failure(find('h'))).to.equal(
      'REQUIREMENT_MISSING the credential helper docker-credential-nowhere is not in PATH',
    );
    await install('bad', '#!/bin/sh\necho the keychain is locked\nexit 3\n');
    await write('docker/config.json', { credsStore: 'bad' });
    expect(await failure(find('h'))).to.equal(
      'UNAUTHORIZED docker-credential-bad failed for h: the keychain is locked',
    );
    await install('odd', '#!/bin/sh\necho hello\n');
    await write('docker/config.json', { credsStore: 'odd' });
    expect(await failure(find('h'))).to.equal('UNAUTHORIZED docker-credential-odd did not answer JSON for h');
    await write('docker/config.json', { credsStore: '../../bin/sh' });
    expect(await failure(find('h'))).to.equal('INVALID_ARGUMENT "../../bin/sh" is no credential helper');
  });

  it('says which file cannot be read', async () => {
    const file = await write('docker/config.json', '{');
    expect(await failure(find('h'))).to.equal(`INVALID_ARGUMENT ${file} is not a JSON object`);
    await write('docker/config.json', { auths: { h: { auth: base64('no colon') } } });
    expect(await failure(find('h'))).to.contain('not base64 of user:password');
  });

  describe('kept and forgotten', () => {
    const alice = { username: 'alice', password: 'secret' };
    const config = async () =>
      JSON.parse(await readFile(join(folder, 'docker/config.json'), 'utf8')) as object;

    it('stand in config.json as docker writes them, for the owner only', async () => {
      const target = credentialTarget(env);
      expect(await keepCredentials(target, 'docker.io', alice)).to.equal(join(folder, 'docker/config.json'));
      await keepCredentials(target, 'h:1', alice);
      expect(await config()).to.deep.equal({ auths: { [hub]: entry('alice'), 'h:1': entry('alice') } });
      expect((await stat(target.path)).mode & 0o777).to.equal(0o600);
      expect(await find('docker.io')).to.deep.equal(password('alice'));
      expect(await forgetCredentials(target, 'docker.io')).to.deep.equal([hub]);
      expect(await forgetCredentials(target, 'docker.io')).to.deep.equal([]);
      expect(await config()).to.deep.equal({ auths: { 'h:1': entry('alice') } });
      expect(await forgetCredentials(target, undefined)).to.deep.equal(['h:1']);
    });

    it('leave all else in the file, and a link to it', async () => {
      const file = await write('dotfiles/config.json', {
        HttpHeaders: { a: 'b' },
        auths: { g: entry('bob') },
      });
      await mkdir(join(folder, 'docker'));
      await symlink(file, join(folder, 'docker/config.json'));
      await keepCredentials(credentialTarget(env), 'h', alice);
      expect(JSON.parse(await readFile(file, 'utf8'))).to.deep.equal({
        HttpHeaders: { a: 'b' },
        auths: { g: entry('bob'), h: entry('alice') },
      });
    });

    it('go to the helper, and into no file', async () => {
      await install('one');
      await write('docker/config.json', { credsStore: 'one' });
      const target = credentialTarget(env);
      expect(await keepCredentials(target, 'h', alice)).to.equal('docker-credential-one');
      expect(await config()).to.deep.equal({ credsStore: 'one', auths: { h: {} } });
      expect(await find('h')).to.deep.equal(password('alice'));
      expect(await forgetCredentials(target, 'h')).to.deep.equal(['h']);
      expect(await config()).to.deep.equal({ credsStore: 'one', auths: {} });
      expect(await find('h')).to.equal(undefined);
    });

    it('are an identity token where the registry hands one out, and no password then', async () => {
      const target = credentialTarget(env);
      await keepCredentials(target, 'h', { ...alice, identityToken: 'refresh' });
      const auth = Buffer.from('alice:').toString('base64');
      expect(await config()).to.deep.equal({ auths: { h: { auth, identitytoken: 'refresh' } } });
      expect(await find('h')).to.deep.equal({ kind: 'identity-token', token: 'refresh' });
      await install('one');
      await write('docker/config.json', { credsStore: 'one' });
      await keepCredentials(target, 'h', { ...alice, identityToken: 'refresh' });
      expect(await config()).to.deep.equal({ credsStore: 'one', auths: { h: {} } });
      expect(await find('h')).to.deep.equal({ kind: 'identity-token', token: 'refresh' });
    });

    it("go to podman's file under podman's name for Docker Hub", async () => {
      const target = credentialTarget(env, join(folder, 'auth.json'));
      await keepCredentials(target, 'docker.io', alice);
      expect(JSON.parse(await readFile(target.path, 'utf8'))).to.deep.equal({
        auths: { 'docker.io': entry('alice') },
      });
      env.REGISTRY_AUTH_FILE = target.path;
      expect(await find('docker.io')).to.deep.equal(password('alice'));
    });

    it('are not those of a user with a colon', async () => {
      const wrong = keepCredentials(credentialTarget(env), 'h', { ...alice, username: 'a:b' });
      expect(await failure(wrong)).to.equal('INVALID_ARGUMENT "a:b" is no name for a user');
    });
  });
});
