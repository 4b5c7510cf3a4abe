import { expect } from 'chai';
import { GitServer } from './servers/git-server.ts';
import { BuildSandbox, errorOf } from './support.ts';

describe('ADD of git repositories', function () {
  this.timeout(30_000);
  let sandbox: BuildSandbox;
  let server: GitServer;
  let first: string;
  let second: string;
  before(async () => {
    sandbox = await BuildSandbox.open();
    server = await GitServer.start(sandbox.path('repositories'));
    first = server.commit('app', { 'a.txt': 'first' });
    server.git('app', 'tag', '-a', 'v1', '-m', 'one');
    second = server.commit('app', {
      'a.txt': 'second',
      run: { executable: '#!/bin/sh' },
      'dir/sub/b': 'b',
      link: { link: 'a.txt' },
      out: { link: '../../..' },
    });
    server.git('app', 'branch', 'v2');
    server.git('app', 'tag', 'v2', first);
    server.publish('app');
  });
  after(async () => {
    await server.stop();
    sandbox.close();
  });

  const build = (line: string) => sandbox.build(sandbox.context({ Dockerfile: `FROM scratch\n${line}\n` }));
  const layerOf = async (line: string) => sandbox.layer((await build(line)).image, -1);
  const contentOf = async (line: string, path = 'x/a.txt') => sandbox.fileIn((await build(line)).image, path);
  const url = () => server.urlOf('app');

  it('trap 29: files are 0644 or 0755 by their exec bit, links stay, .git goes', async () => {
    expect(await layerOf(`ADD ${url()} /x`)).to.deep.equal([
      'd0755 0:0 x',
      '-0644 0:0 x/a.txt',
      'd0755 0:0 x/dir',
      'd0755 0:0 x/dir/sub',
      '-0644 0:0 x/dir/sub/b',
      'l0777 0:0 x/link -> a.txt',
      'l0777 0:0 x/out -> ../../..',
      '-0755 0:0 x/run',
    ]);
  });

  it('trap 29: the commit is the key: what was built before is not fetched', async () => {
    await build(`ADD ${url()}#${second} /known`);
    server.requests.length = 0;
    const again = await build(`ADD ${url()}#${second} /known`);
    expect(again.log.steps[0]).to.match(/^cached/);
    expect(server.requests).to.deep.equal([]);
    const named = await build(`ADD ${url()}#main /known`);
    expect(named.log.steps[0]).to.match(/^cached/);
    expect(
      server.requests.every(request => !request.includes('POST') || request.includes('upload-pack')),
    ).to.equal(true);
  });

  it('trap 29: what is left out counts for the key too', async () => {
    const whole = await layerOf(`ADD ${url()}#main:dir /part`);
    const rest = await layerOf(`ADD --exclude=sub ${url()}#main:dir /part`);
    expect([whole.length, rest.length]).to.deep.equal([3, 1]);
  });

  const names: [string, string, string][] = [
    ['a branch', '#main', 'second'],
    ['an annotated tag', '#v1', 'first'],
    ['a branch rather than a tag', '#v2', 'second'],
    ['a full ref', '#refs/tags/v2', 'first'],
    ['a tag in the query', '?tag=v2', 'first'],
    ['a branch in the query', '?branch=v2', 'second'],
    ['a ref in the query', '?ref=v1&submodules=false', 'first'],
  ];
  for (const [name, end, content] of names) {
    it(`trap 29: takes ${name}`, async () => {
      expect(await contentOf(`ADD ${url()}${end} /x`)).to.equal(content);
    });
  }

  it('trap 29: takes a commit that no branch begins with', async () => {
    expect(await contentOf(`ADD ${url()}#${first} /x`)).to.equal('first');
  });

  it('trap 29: takes a folder, in the fragment or in the query', async () => {
    for (const end of ['#main:dir', '#:dir', '?subdir=dir/', '#main:/dir']) {
      expect(await layerOf(`ADD ${url()}${end} /x`), end).to.deep.equal([
        'd0755 0:0 x',
        'd0755 0:0 x/sub',
        '-0644 0:0 x/sub/b',
      ]);
    }
  });

  it('trap 29: keeps .git where it is asked for, without the password', async () => {
    const { image } = await build(`ADD --keep-git-dir ${url().replace('//', '//u:pw@')} /x`);
    const layer = await sandbox.layer(image, -1);
    expect(layer.some(line => line.endsWith(' x/.git/HEAD'))).to.equal(true);
    expect(await sandbox.fileIn(image, 'x/.git/config'))
      .to.contain('u:xxxxx@')
      .and.not.contain('pw@');
    const asked = await layerOf(`ADD ${url()}?keep-git-dir=true /x`);
    expect(asked.some(line => line.endsWith(' x/.git/HEAD'))).to.equal(true);
  });

  it('trap 29: brings submodules unless told otherwise', async () => {
    server.commit('lib', { 'lib.c': 'c' });
    server.commit('with-lib', { README: 'r' });
    server.addSubmodule('with-lib', 'lib', server.urlOf('lib'));
    const line = `ADD --exclude=.gitmodules ${server.urlOf('with-lib')}`;
    expect(await layerOf(`${line} /x`)).to.deep.equal([
      'd0755 0:0 x',
      '-0644 0:0 x/README',
      'd0755 0:0 x/lib',
      '-0644 0:0 x/lib/lib.c',
    ]);
    const without = await layerOf(`${line}?submodules=false /x`);
    expect(without).to.deep.equal(['d0755 0:0 x', '-0644 0:0 x/README', 'd0755 0:0 x/lib']);
  });

  it('CVE-2022-39253: no submodule comes from this machine', async () => {
    server.commit('private', { secret: 's' });
    server.commit('sneaky', { README: 'r' });
    server.addSubmodule('sneaky', 'private', sandbox.path('repositories/private'));
    const error = await errorOf(() => build(`ADD ${server.urlOf('sneaky')} /x`));
    expect(error.code).to.equal('DOWNLOAD_FAILED');
    expect(error.message).to.match(/transport 'file' not allowed/);
  });

  for (const [name, subdir] of [
    ['a path above', '../../..'],
    ['a link', 'out'],
    ['a path through a link', 'out/etc'],
    ['a file', 'a.txt'],
    ['what is not there', 'gone'],
  ] as const) {
    it(`CVE-2026-33748: refuses a subdir that is ${name}`, async () => {
      const error = await errorOf(() => build(`ADD ${url()}#main:${subdir} /x`));
      expect(error.code).to.be.oneOf(['DOWNLOAD_FAILED', 'DOCKERFILE_INVALID']);
      expect(error.message).to.contain('subdir');
      expect(error.location?.line).to.equal(2);
    });
  }

  it('sends the token that is for the host', async () => {
    process.env.HAWSER_TEST_TOKEN = 'tok\n';
    try {
      const { host } = new URL(url());
      const secrets = [{ id: `GIT_AUTH_TOKEN.${host}`, env: 'HAWSER_TEST_TOKEN' }];
      const context = sandbox.context({ Dockerfile: `FROM scratch\nADD ${url()}#refs/heads/main /auth\n` });
      server.requests.length = 0;
      await sandbox.build(context, { secrets });
      const header = `basic ${Buffer.from('x-access-token:tok').toString('base64')}`;
      expect(server.requests).to.satisfy((all: string[]) => all.every(request => request.endsWith(header)));
    } finally {
      delete process.env.HAWSER_TEST_TOKEN;
    }
  });

  it('checks --checksum against the commit, by its beginning too', async () => {
    const good = `ADD --checksum=${second.slice(0, 10)} ${url()}#main /x`;
    expect(await contentOf(good)).to.equal('second');
    expect(await contentOf(`ADD ${url()}?branch=main&checksum=${second} /x`)).to.equal('second');
    const error = await errorOf(() => build(`ADD --checksum=${first} ${url()}#main /x`));
    expect(error).to.include({ code: 'DIGEST_INVALID' });
  });

  it('gives files the time of the commit where it is asked for', async () => {
    const { image } = await build(`ADD ${url()}?mtime=commit /x`);
    const { readTar } = await import('../../src/tar/reader.ts');
    const times = new Set<number>();
    const digest = image.manifest.value.layers.at(-1)?.digest;
    for await (const { entry } of readTar(sandbox.store.open(digest as never))) {
      if (entry.type !== 'directory') times.add(entry.mtime.seconds);
    }
    expect([...times]).to.deep.equal([1_000_000_000]);
  });

  const refused: [string, string][] = [
    ['a ref that is an option', '#--upload-pack=touch'],
    ['a ref with a blank', '#a%20b'],
    ['a ref that is a range', '#a..b'],
    ['a checksum that is none', '?checksum=zz'],
    ['a tag and a branch', '?tag=a&branch=b'],
    ['two refs', '?ref=a#b'],
    ['an unknown key', '?what=1'],
    ['a key without a value', '?subdir='],
    ['a key twice', '?ref=a&ref=b'],
    ['a value that is no boolean', '?submodules=maybe'],
  ];
  for (const [name, end] of refused) {
    it(`refuses ${name} before anything is fetched`, async () => {
      server.requests.length = 0;
      const error = await errorOf(() => build(`ADD ${url()}${end} /x`));
      expect(error).to.include({ code: 'DOCKERFILE_INVALID' });
      expect(error.location).to.include({ line: 2, column: 5 });
      expect(server.requests).to.deep.equal([]);
    });
  }

  it('takes no transport that runs programs, and no file of this machine', async () => {
    for (const source of ['ext::sh', 'file:///etc/passwd', '-oProxyCommand=x@host:y']) {
      expect((await errorOf(() => build(`ADD ${source} /x`))).code, source).to.equal('COPY_SOURCE_UNKNOWN');
    }
  });

  it('names a branch that is not there, and a repository', async () => {
    const branch = await errorOf(() => build(`ADD ${url()}#nope /x`));
    expect(branch).to.include({ code: 'DOWNLOAD_FAILED', message: `${url()} has no "nope"` });
    const repository = await errorOf(() => build(`ADD ${server.urlOf('nope')} /x`));
    expect(repository.code).to.equal('DOWNLOAD_FAILED');
  });

  it('names the package where git is missing', async () => {
    const { PATH } = process.env;
    process.env.PATH = sandbox.path('nothing');
    try {
      const error = await errorOf(() => build(`ADD ${url()}#v1 /missing`));
      expect(error).to.include({ code: 'REQUIREMENT_MISSING' });
      expect(error.remedy).to.contain('apt-get install git');
    } finally {
      process.env.PATH = PATH;
    }
  });

  it('leaves nothing checked out', async () => {
    await build(`ADD ${url()}#v1 /left`);
    const { readdirSync } = await import('node:fs');
    expect(readdirSync(sandbox.path('root/build-cache/scratch'))).to.deep.equal([]);
  });
});
