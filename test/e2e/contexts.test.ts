import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { GitServer } from '../builder/servers/git-server.ts';
import { WebServer } from '../builder/servers/web-server.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

describe('e2e: build contexts', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await Sandbox.create();
    await sandbox.write({
      'app/Dockerfile': 'FROM scratch\nCOPY a /a\nCOPY --from=lib . /lib/\n',
      'app/a': 'content of a',
      'lib/b': 'content of b',
      'lib/hidden': '',
      'lib/.dockerignore': 'hidden\n.dockerignore\n',
    });
  });
  after(() => sandbox.dispose());

  /** What the build leaves, as paths. */
  const filesOf = async (args: readonly string[], input?: Buffer | string) => {
    const built = await sandbox.try(
      ['build', '--progress', 'plain', '-o', 'type=tar,dest=out.tar', ...args],
      input === undefined ? {} : { input },
    );
    expect(built.code, built.stderr).to.equal(0);
    const listed = await run(['tar', '-tf', join(sandbox.folder, 'out.tar')], { check: true });
    return listed.stdout.trim().split('\n').filter(Boolean);
  };

  it('a folder with another one beside it', async () => {
    expect(await filesOf(['--build-context', 'lib=lib', 'app'])).to.deep.equal(['a', 'lib/', 'lib/b']);
  });

  it('a Dockerfile on stdin, alone and for a folder', async () => {
    expect(await filesOf(['-'], 'FROM scratch\nCOPY <<EOF /f\ntext\nEOF\n')).to.deep.equal(['f']);
    expect(await filesOf(['-f', '-', 'app'], 'FROM scratch\nCOPY a /b\n')).to.deep.equal(['b']);
  });

  it('an archive on stdin', async () => {
    await run(['tar', '-C', join(sandbox.folder, 'app'), '-czf', join(sandbox.folder, 'app.tgz'), '.'], {
      check: true,
    });
    const input = readFileSync(join(sandbox.folder, 'app.tgz'));
    expect(await filesOf(['--build-context', 'lib=lib', '-'], input)).to.deep.equal(['a', 'lib/', 'lib/b']);
  });

  it('a git repository, and ADD of one', async () => {
    const server = await GitServer.start(join(sandbox.folder, 'repositories'));
    try {
      server.commit('app', { 'sub/Dockerfile': 'FROM scratch\nCOPY . /x/\n', 'sub/f': '' });
      expect(await filesOf([`${server.urlOf('app')}#main:sub`])).to.deep.equal(['x/', 'x/Dockerfile', 'x/f']);
      const added = await filesOf(['-'], `FROM scratch\nADD ${server.urlOf('app')} /src\n`);
      expect(added).to.deep.equal(['src/', 'src/sub/', 'src/sub/Dockerfile', 'src/sub/f']);
    } finally {
      await server.stop();
    }
  });

  it('a URL, with the secret for its host', async () => {
    const web = await WebServer.start((request, response) => {
      if (request.headers.authorization === 'Bearer let-me-in')
        response.end('FROM scratch\nCOPY context /f\n');
      else response.writeHead(401).end();
    });
    try {
      await sandbox.write({ token: 'let-me-in' });
      const secret = ['--secret', 'id=HTTP_AUTH_TOKEN_127.0.0.1,src=token'];
      expect(await filesOf([...secret, `${web.url}/Dockerfile`])).to.deep.equal(['f']);
      const refused = await sandbox.try(['build', `${web.url}/Dockerfile`]);
      expect(refused.code).to.equal(1);
      expect(refused.stderr).to.contain('the server answers 401');
    } finally {
      await web.stop();
    }
  });

  it('shows the word, the line of .dockerignore and the way out', async () => {
    await sandbox.write({
      'bad/Dockerfile': 'FROM scratch\nCOPY main.go \\\n  go.mod /x/\n',
      'bad/main.go': '',
      'bad/go.mod': '',
      'bad/.dockerignore': '# all\n*.mod\n',
    });
    const { code, stderr } = await sandbox.try(['build', '-q', 'bad']);
    expect(code).to.equal(1);
    expect(stderr).to.equal(
      [
        'hawser: COPY source "go.mod" is hidden by .dockerignore:2: *.mod [COPY_SOURCE_UNKNOWN]',
        '  at Dockerfile:3:3',
        '  3 |   go.mod /x/',
        '    |   ^^^^^^',
        '  Take the pattern out, or add "!go.mod" below it.',
        '',
      ].join('\n'),
    );
  });

  it('checks without building what is on stdin and what names stand for', async () => {
    const check = await sandbox.try(['build', '--check', '--build-context', 'base=lib', '-'], {
      input: 'FROM base\nCOPY b /b\n',
    });
    expect(check.code, check.stderr).to.equal(0);
    expect(check.stdout).to.contain('no warnings found');
  });

  for (const args of [['-'], ['-f', '-', 'app']]) {
    it(`ends at Ctrl-C while it waits for stdin: ${args.join(' ')}`, async () => {
      const { env } = sandbox;
      const bin = new URL('../../bin/run.js', import.meta.url).pathname;
      const child = spawn(process.execPath, [bin, 'build', ...args], {
        cwd: sandbox.folder,
        env,
        stdio: 'pipe',
      });
      const ended = once(child, 'exit');
      // It has loaded what it needs once it takes what it is given.
      child.stdin.write(`# ${'x'.repeat(300_000)}`, () => child.kill('SIGINT'));
      expect((await ended)[0]).to.equal(130);
    });
  }

  it('leaves no scratch behind, whatever happens', async () => {
    const failed = await sandbox.try(['build', '-'], { input: Buffer.from([0x1f, 0x8b, 0x08, 1, 2, 3, 4]) });
    expect(failed.code).to.equal(1);
    const left = await run(['find', join(sandbox.folder, 'root/build-cache/scratch'), '-mindepth', '1'], {});
    expect(left.stdout).to.equal('');
  });
});
