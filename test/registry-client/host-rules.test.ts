import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { HostRules, type Place } from '../../src/registry-client/hosts/host-rules.ts';

describe('registry-client: host rules', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hawser-rules-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const read = async (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    return await HostRules.read({
      daemonJson: join(folder, 'daemon.json'),
      registriesConf: join(folder, 'registries.conf'),
      registriesFolders: [join(folder, 'registries.conf.d')],
    });
  };
  const failure = async (work: () => unknown) => {
    const error: unknown = await Promise.resolve()
      .then(work)
      .catch((thrown: unknown) => thrown);
    if (isHawserError(error)) return `${error.code} ${error.message.replaceAll(`${folder}/`, '')}`;
    throw new Error(`no error: ${String(error)}`);
  };
  const text = ({ domain, path }: Place) => `${domain}/${path}`;

  it('has nothing to say where there are no files', async () => {
    const rules = await read({});
    expect(rules.placeOf('docker.io', 'library/a')).to.deep.equal({ domain: 'docker.io', path: 'library/a' });
    expect(rules.mirrorsOf('docker.io', 'library/a', 'tag')).to.deep.equal([]);
    expect(await rules.isInsecure('r.example')).to.equal(false);
  });

  /** [insecure-registries, host, whether it is insecure] */
  const insecure: readonly [string, string, boolean][] = [
    ['r.example:5000', 'r.example:5000', true],
    ['r.example:5000', 'r.example', false],
    ['r.example', 'r.example:5000', true],
    ['http://r.example:5000/', 'r.example:5000', true],
    ['10.0.0.0/8', '10.1.2.3:5000', true],
    ['10.0.0.0/8', '11.1.2.3:5000', false],
    ['fd00::/8', '[fd00::1]:5000', true],
    ['10.0.0.0/8', 'not-a-known-host.invalid', false],
  ];
  for (const [value, host, expected] of insecure) {
    it(`client trap #16: insecure-registries ${value} and ${host}: ${expected}`, async () => {
      const rules = await read({ 'daemon.json': JSON.stringify({ 'insecure-registries': [value] }) });
      expect(await rules.isInsecure(host)).to.equal(expected);
    });
  }

  it('client trap #16: takes registry-mirrors for Docker Hub alone', async () => {
    const mirrors = ['https://mirror.example', 'http://10.0.0.1:5000/'];
    const rules = await read({ 'daemon.json': JSON.stringify({ 'registry-mirrors': mirrors }) });
    expect(rules.mirrorsOf('docker.io', 'library/a', 'tag')).to.deep.equal([
      { domain: 'mirror.example', path: 'library/a', plainHttp: false },
      { domain: '10.0.0.1:5000', path: 'library/a', plainHttp: true },
    ]);
    expect(rules.mirrorsOf('r.example', 'a', 'tag')).to.deep.equal([]);
  });

  it('client trap #10: follows location, prefixes, the longest of them, and wildcards', async () => {
    const conf = `
unqualified-search-registries = ["quay.example"]
[[registry]]
location = "docker.io"
[[registry]]
prefix = "docker.io/library"
location = "mirror.example/hub"
[[registry]]
prefix = "*.old.example"
location = "new.example"
[[registry]]
prefix = "r.example:5000/team"
location = "10.0.0.1"
insecure = true
`;
    const rules = await read({ 'registries.conf': conf });
    const places = [
      ['docker.io', 'library/a'],
      ['docker.io', 'library2/a'],
      ['eu.old.example', 'a/b'],
      ['old.example', 'a/b'],
      ['r.example:5000', 'team/a'],
      ['r.example:5000', 'teams/a'],
    ].map(([domain = '', path = '']) => text(rules.placeOf(domain, path)));
    expect(places).to.deep.equal([
      'mirror.example/hub/a',
      'docker.io/library2/a',
      'new.example/a/b',
      'old.example/a/b',
      '10.0.0.1/a',
      'r.example:5000/teams/a',
    ]);
    expect(await rules.isInsecure('10.0.0.1')).to.equal(true);
    expect(await rules.isInsecure('mirror.example')).to.equal(false);
  });

  it('client trap #10: gives mirrors the requests that they are for', async () => {
    const conf = `
[[registry]]
prefix = "r.example"
[[registry.mirror]]
location = "all.example/r"
[[registry.mirror]]
location = "digests.example"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "tags.example"
pull-from-mirror = "tag-only"
insecure = true
[[registry]]
location = "old.example"
mirror-by-digest-only = true
[[registry.mirror]]
location = "m.example"
`;
    const rules = await read({
      'registries.conf': conf.replace('prefix = "r.example"', 'location = "r.example"'),
    });
    const mirrors = (domain: string, by: 'tag' | 'digest') => rules.mirrorsOf(domain, 'a/b', by).map(text);
    expect(mirrors('r.example', 'tag')).to.deep.equal(['all.example/r/a/b', 'tags.example/a/b']);
    expect(mirrors('r.example', 'digest')).to.deep.equal(['all.example/r/a/b', 'digests.example/a/b']);
    expect(mirrors('old.example', 'tag')).to.deep.equal([]);
    expect(mirrors('old.example', 'digest')).to.deep.equal(['m.example/a/b']);
    expect(await rules.isInsecure('tags.example')).to.equal(true);
  });

  it('client trap #10: refuses what is blocked, and lets drop-ins replace it', async () => {
    const conf = '[[registry]]\nprefix = "r.example/bad"\nlocation = "r.example/bad"\nblocked = true\n';
    const rules = await read({ 'registries.conf': conf });
    expect(await failure(() => rules.placeOf('r.example', 'bad/a'))).to.equal(
      "DENIED r.example/bad/a is blocked by the machine's registries.conf",
    );
    expect(text(rules.placeOf('r.example', 'good/a'))).to.equal('r.example/good/a');
    const mended = await read({
      'registries.conf.d/10-a.conf': conf.replace('true', 'false'),
      'registries.conf.d/README': 'not read',
    });
    expect(text(mended.placeOf('r.example', 'bad/a'))).to.equal('r.example/bad/a');
  });

  /** [file, text, the error] */
  const wrong: readonly [string, string, string][] = [
    ['daemon.json', '{', 'daemon.json is not a JSON object'],
    [
      'daemon.json',
      '{"insecure-registries": "a"}',
      'daemon.json: "insecure-registries" is not a list of texts',
    ],
    ['daemon.json', '{"registry-mirrors": ["a"]}', 'daemon.json: the mirror "a" is no URL of a registry'],
    ['registries.conf', '[[registry', 'registries.conf is not TOML: Invalid TOML document: '],
    [
      'registries.conf',
      '[[registry]]\nlocation = "a"\nblocked = 1',
      'registries.conf: "blocked" is not true or false',
    ],
    ['registries.conf', '[[registry]]\n', 'registries.conf: "prefix" is not given, nor is "location"'],
    ['registries.conf', 'registry = 1', 'registries.conf: "registry" is not a list of tables'],
    [
      'registries.conf',
      '[[registry]]\nlocation="a"\n[[registry.mirror]]\nlocation="b"\npull-from-mirror="x"',
      'registries.conf: "pull-from-mirror" is not all, digest-only or tag-only',
    ],
  ];
  for (const [file, content, message] of wrong) {
    it(`names what is wrong in ${file}: ${JSON.stringify(content)}`, async () => {
      expect(await failure(() => read({ [file]: content }))).to.contain(`INVALID_ARGUMENT ${message}`);
    });
  }
});
