import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseStepFlags } from '../../src/cli/build-flags.ts';
import { isHawserError } from '../../src/errors/hawser-error.ts';

type Flags = Parameters<typeof parseStepFlags>[0];

/** FOLDER stands for a folder with the files `a` and `b` and the sockets `s` and `t`. */
const good: readonly (readonly [Flags, object])[] = [
  [{ secret: ['id=x,src=FOLDER/a'] }, { secrets: [{ id: 'x', file: 'FOLDER/a' }] }],
  [{ secret: ['type=file,id=x,source=FOLDER/a'] }, { secrets: [{ id: 'x', file: 'FOLDER/a' }] }],
  [{ secret: ['"id=x,y","src=FOLDER/a"'] }, { secrets: [{ id: 'x,y', file: 'FOLDER/a' }] }],
  [
    { secret: ['id=x,env=TOKEN', 'id=y,type=env'] },
    {
      secrets: [
        { id: 'x', env: 'TOKEN' },
        { id: 'y', env: 'y' },
      ],
    },
  ],
  [
    { secret: ['id=TOKEN', 'type=env,id=x,src=TOKEN'] },
    {
      secrets: [
        { id: 'TOKEN', env: 'TOKEN' },
        { id: 'x', env: 'TOKEN' },
      ],
    },
  ],
  [{ ssh: ['default'] }, { agents: [{ id: 'default', socket: 'FOLDER/s' }] }],
  [
    { ssh: ['x=FOLDER/t', 'y=FOLDER/a,FOLDER/b'] },
    {
      agents: [
        { id: 'x', socket: 'FOLDER/t' },
        { id: 'y', keys: ['FOLDER/a', 'FOLDER/b'] },
      ],
    },
  ],
  [
    { allow: ['security.insecure', 'network.host', 'device=gpu'] },
    { allow: ['security.insecure', 'network.host', 'device=gpu'] },
  ],
  [
    { 'add-host': ['a:1.2.3.4', 'b=::1', 'c:[fd00::2]', 'd:host-gateway'] },
    {
      extraHosts: [
        { host: 'a', address: '1.2.3.4' },
        { host: 'b', address: '::1' },
        { host: 'c', address: 'fd00::2' },
        { host: 'd', address: '127.0.0.1' },
      ],
    },
  ],
];

const wrong: readonly (readonly [Flags, RegExp])[] = [
  [{ secret: ['src=FOLDER/a'] }, /it has no id/],
  [{ secret: ['id'] }, /"id" is not KEY=VALUE/],
  [{ secret: ['id=x,scr=y'] }, /unknown field "scr"/],
  [{ secret: ['id=x,type=vault'] }, /unknown type "vault"/],
  [{ secret: ['id=x,src=FOLDER/none'] }, /there is no file "FOLDER\/none"/],
  [{ secret: ['id=none-such'] }, /there is no file "none-such"/],
  [{ ssh: ['=FOLDER/s'] }, /it has no id/],
  [{ ssh: ['x=FOLDER/none'] }, /there is no "FOLDER\/none"/],
  [{ ssh: ['x=FOLDER/s,FOLDER/t'] }, /only one socket/],
  [{ ssh: ['x=FOLDER/s,FOLDER/a'] }, /only one socket/],
  [{ allow: ['security.insecur'] }, /is no right of a build/],
  [{ 'add-host': ['nothing'] }, /--add-host "nothing"/],
];

describe('what flags of build give to steps', () => {
  let folder: string;
  const servers: Server[] = [];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-flags-'));
    for (const name of ['a', 'b']) writeFileSync(join(folder, name), '');
    for (const name of ['s', 't']) {
      const server = createServer().listen(join(folder, name));
      servers.push(server);
      await new Promise(resolve => server.once('listening', resolve));
    }
  });
  after(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  });

  /** With the folder's path for FOLDER. */
  const placed = <Value>(value: Value): Value =>
    JSON.parse(JSON.stringify(value).replaceAll('FOLDER', folder));
  const parse = (flags: Flags) =>
    parseStepFlags(placed(flags), { TOKEN: 'hidden', SSH_AUTH_SOCK: join(folder, 's') });

  for (const [flags, expected] of good) {
    it(`${JSON.stringify(flags)} is taken`, () => expect(parse(flags)).to.deep.include(placed(expected)));
  }
  for (const [flags, message] of wrong) {
    it(`${JSON.stringify(flags)} is refused`, () => {
      try {
        parse(flags);
      } catch (error) {
        expect(isHawserError(error, 'INVALID_ARGUMENT')).to.equal(true);
        expect((error as Error).message.replaceAll(folder, 'FOLDER')).to.match(message);
        expect((error as { readonly remedy?: string }).remedy).to.be.a('string');
        return;
      }
      throw new Error('it was taken');
    });
  }

  it('says that there is no agent', () => {
    expect(() => parseStepFlags({ ssh: ['default'] }, {})).to.throw(/no agent runs/);
  });
});
