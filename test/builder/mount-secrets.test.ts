import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import type { BuildOptions } from '../../src/builder/environment.ts';
import { addBusybox, BuildSandbox, errorOf, whyNoRun } from './support.ts';

const from = 'FROM busybox\n';

describe('secrets and agents of a build', () => {
  let sandbox: BuildSandbox;
  before(async function () {
    const reason = whyNoRun();
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
    sandbox = await BuildSandbox.open();
    await addBusybox(sandbox.store);
  });
  after(() => sandbox?.close());
  afterEach(() => {
    const steps = sandbox.path('run/steps');
    expect(existsSync(steps) ? readdirSync(steps) : []).to.deep.equal([]);
  });

  const build = (lines: string, options: Partial<BuildOptions> = {}) =>
    sandbox.build(sandbox.context({ Dockerfile: lines }), options);

  describe('type=secret', () => {
    const secret = (content: string) => {
      writeFileSync(sandbox.path('key'), content);
      return {
        secrets: [
          { id: 'key', file: sandbox.path('key') },
          { id: 'v', env: 'HAWSER_TEST_SECRET' },
        ],
      };
    };
    before(() => {
      process.env.HAWSER_TEST_SECRET = 'of the environment';
    });
    after(() => {
      delete process.env.HAWSER_TEST_SECRET;
    });

    it('trap 50: is seen by the step, and reaches neither layer, config, history nor key', async () => {
      const text = `${from}RUN --mount=type=secret,id=key,mode=0444,uid=3 --mount=type=secret,id=v,env=V,target=/v stat -c "%a %u" /run/secrets/key; cat /run/secrets/key /v; echo "$V"\n`;
      const { image, log } = await build(text, secret('hidden1\n'));
      expect(log.output).to.equal('444 3\nhidden1\nof the environmentof the environment\n');
      expect(await sandbox.layer(image, -1)).to.deep.equal([]);
      expect(Buffer.from(image.config.bytes).toString()).not.to.match(/hidden|of the env/);
      const again = await build(text, secret('hidden2\n'));
      expect(again.log.steps.map(step => step.split(' ')[0])).to.deep.equal(['cached']);
      const folders = [sandbox.path('root'), sandbox.path('run')];
      expect(spawnSync('grep', ['-rlE', 'hidden[12]', ...folders], { encoding: 'utf8' }).stdout).to.equal('');
    });

    it('is left out where it was not given, unless it is required', async () => {
      const text = `${from}RUN --mount=type=secret,id=none --mount=type=secret,id=none,env=NONE ls /run/secrets 2>/dev/null; echo "[\${NONE-unset}]"\n`;
      expect((await build(text)).log.output).to.equal('[unset]\n');
      const error = await errorOf(() => build(`${from}RUN --mount=type=secret,id=none,required true\n`));
      expect(error).to.include({ code: 'SECRET_UNKNOWN' });
      expect(error.location).to.include({ line: 2 });
      expect(error.remedy).to.contain('--secret id=none,src=FILE');
    });

    it('is refused where it is too large or cannot be read', async () => {
      const text = `${from}RUN --mount=type=secret,id=key true\n`;
      const large = await errorOf(() => build(text, secret('x'.repeat(500 * 1024 + 1))));
      expect(large.code).to.equal('SIZE_INVALID');
      const gone = { secrets: [{ id: 'key', file: sandbox.path('gone') }] };
      expect((await errorOf(() => build(text, gone))).code).to.equal('SECRET_UNKNOWN');
    });
  });

  describe('type=ssh', () => {
    /** ssh-add with the libraries that it needs, to be copied into the image. */
    const client = (): void => {
      const program = '/usr/bin/ssh-add';
      const libraries = [...execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)];
      for (const path of [program, ...libraries.map(match => match[1] ?? '')]) {
        const target = join(sandbox.path('context/root'), path);
        mkdirSync(dirname(target), { recursive: true });
        copyFileSync(path, target);
      }
    };
    const key = () => {
      const path = sandbox.path('id_ed25519');
      if (!existsSync(path))
        execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'a-test-key', '-f', path]);
      return path;
    };
    const buildWith = (line: string, options: Partial<BuildOptions>) => {
      const context = sandbox.context({ Dockerfile: `${from}COPY root /\n${line}\n` });
      client();
      return sandbox.build(context, options);
    };

    it('forwards a real agent to the user that the step names', async () => {
      const socket = sandbox.path('agent.sock');
      const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        await once(agent.stdout, 'data');
        execFileSync('ssh-add', ['-q', key()], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
        const line = `USER app\nRUN --mount=type=ssh,uid=1000,mode=0600,required echo $SSH_AUTH_SOCK; ssh-add -l`;
        const { log } = await buildWith(line, { agents: [{ id: 'default', socket }] });
        expect(log.output).to.match(
          /^\/run\/buildkit\/ssh_agent\.0\n256 SHA256:\S+ a-test-key \(ED25519\)\n$/,
        );
      } finally {
        agent.kill();
        await once(agent, 'exit');
      }
    });

    it('makes an agent of keys, under an id and a target of their own', async () => {
      const line =
        'RUN --mount=type=ssh,id=deploy,target=/agent --mount=type=ssh,id=none echo $SSH_AUTH_SOCK; ssh-add -l; ls /run 2>/dev/null; true';
      const { image, log } = await buildWith(line, { agents: [{ id: 'deploy', keys: [key()] }] });
      expect(log.output).to.match(/^\/agent\n256 SHA256:\S+ a-test-key \(ED25519\)\n$/);
      expect(await sandbox.layer(image, -1)).to.deep.equal([]);
    });

    it('says what is missing', async () => {
      const line = `${from}RUN --mount=type=ssh,required true\n`;
      const none = await errorOf(() => build(line));
      expect(none).to.include({ code: 'SECRET_UNKNOWN', remedy: 'Give it with --ssh default.' });
      const dead = await errorOf(() =>
        build(line, { agents: [{ id: 'default', socket: sandbox.path('no.sock') }] }),
      );
      expect(dead.code).to.equal('SECRET_UNKNOWN');
      const wrong = await errorOf(() =>
        build(line, { agents: [{ id: 'default', keys: ['/etc/hostname'] }] }),
      );
      expect(wrong).to.include({ code: 'SECRET_UNKNOWN' });
    });
  });
});
