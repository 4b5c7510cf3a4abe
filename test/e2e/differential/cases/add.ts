import { tarEntry } from '../../../../src/tar/entry.ts';
import { type TarItem, tarItem } from '../../../../src/tar/writer.ts';
import { byteString } from '../../../../src/util/byte-string.ts';
import type { ComparedCase } from '../case.ts';

const time = { seconds: 1_000_000_000, nanoseconds: 0 };
const file = (name: string, fields: object = {}, content = 'x'): TarItem =>
  tarItem(tarEntry({ type: 'file', name: byteString(name), mtime: time, ...fields }), Buffer.from(content));
const other = (
  type: 'directory' | 'symlink' | 'link' | 'fifo',
  name: string,
  fields: object = {},
): TarItem => ({
  entry: tarEntry({ type, name: byteString(name), mtime: time, ...fields }),
});
const to = (linkname: string) => ({ linkname: byteString(linkname) });

const plain: readonly TarItem[] = [
  other('directory', 'd', { mode: 0o711, uid: 3, gid: 4 }),
  file('d/f', { mode: 0o640, uid: 5, gid: 6 }),
  file('s', { mode: 0o4755 }),
  other('symlink', 'l', to('d/f')),
  other('link', 'h', { ...to('d/f'), mode: 0o640, uid: 5, gid: 6 }),
  other('fifo', 'p', { mode: 0o600 }),
];

/** ADD of local files. */
export const addCases: readonly ComparedCase[] = [
  {
    name: 'trap 25: archives are extracted by content, whatever they are called',
    files: {
      'a.tar': { archive: plain },
      'b.tar.gz': { archive: plain, compress: 'gzip' },
      plainly: { archive: plain, compress: 'bzip2' },
      'c.txt': { archive: plain, compress: 'xz' },
    },
    dockerfile: 'FROM scratch\nADD a.tar /1\nADD b.tar.gz /2/\nADD plainly /3\nADD c.txt /4\n',
  },
  {
    name: 'trap 25: what is no archive is copied, also with the name of one',
    files: {
      'no.tar.gz': 'nothing of the kind',
      'a.zip': Buffer.from('PK\x03\x04rest'),
      'd/in.tar': { archive: plain },
    },
    dockerfile: 'FROM scratch\nADD no.tar.gz /1\nADD a.zip /2/\nADD d /3\n',
  },
  {
    name: 'trap 26: the root entry of an archive does not change the target',
    files: { 'a.tar': { archive: [other('directory', '.', { mode: 0o700, uid: 9, gid: 9 }), file('./f')] } },
    dockerfile: 'FROM busybox\nADD a.tar /new\nRUN mkdir -m 751 /old\nADD a.tar /old\n',
  },
  {
    name: 'trap 27: entries keep owner, mode, time and links; --chown overrides',
    files: { 'a.tar': { archive: plain } },
    dockerfile: 'FROM scratch\nADD a.tar /1/\nADD --chown=8:9 a.tar /2/\n',
  },
  {
    name: 'trap 27: folders that an archive does not name, and names with ./ and //',
    files: { 'a.tar': { archive: [file('./a/b/c'), file('d//e'), file('f/')] } },
    dockerfile: 'FROM scratch\nADD a.tar /x/\n',
  },
  {
    name: 'trap 27: over what is there: files, folders and links',
    files: {
      'a.tar': {
        archive: [
          other('directory', 'd', { mode: 0o700 }),
          file('d/f', {}, 'new'),
          file('was-link', {}, 'new'),
          other('symlink', 'was-file', to('d')),
        ],
      },
    },
    dockerfile:
      'FROM busybox\nRUN mkdir -p /x/d && echo old > /x/d/f && echo kept > /x/d/g && ln -s d/g /x/was-link && echo old > /x/was-file\nADD a.tar /x\n',
  },
  {
    name: 'trap 60: file capabilities of an archive stay, other attributes go',
    files: {
      'a.tar': {
        archive: [
          file('cap', {
            mode: 0o755,
            xattrs: new Map([
              ['security.capability', Buffer.from('0100000200200000000000000000000000000000', 'hex')],
            ]),
          }),
          file('user', { xattrs: new Map([['user.note', Buffer.from('n')]]) }),
        ],
      },
    },
    dockerfile: 'FROM scratch AS s\nADD a.tar /x/\nFROM scratch\nADD a.tar /1/\nCOPY --from=s /x /2\n',
  },
  {
    name: 'ADD of plain files and folders is COPY',
    files: { f: 'f', 'd/a': 'a' },
    dockerfile: 'FROM scratch\nADD f /1\nADD f d /2/\nADD --chown=5 f /3/\n',
  },
  {
    name: 'ADD of an archive beside plain files',
    files: { 'a.tar': { archive: [file('in')] }, f: 'f' },
    dockerfile: 'FROM scratch\nADD a.tar f /x/\n',
  },
  {
    name: 'an archive that is cut off',
    files: { 'a.tar': Buffer.concat([Buffer.from('x\0'.padEnd(100, '\0')), Buffer.alloc(300)]) },
    dockerfile: 'FROM scratch\nADD a.tar /x/\n',
  },
];
