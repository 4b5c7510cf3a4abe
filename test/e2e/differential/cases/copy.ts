import type { ComparedCase } from '../case.ts';

const tree = {
  'd/a': 'a',
  'd/sub/b': 'b',
  'd/link': { link: 'a' },
  f: 'f',
  'g.txt': 'g',
} as const;

/** COPY from the context and from stages. */
export const copyCases: readonly ComparedCase[] = [
  { name: 'trap 1: a file to a path', files: tree, dockerfile: 'FROM scratch\nCOPY f /d\n' },
  {
    name: 'trap 1: a file into a folder by its slash',
    files: tree,
    dockerfile: 'FROM scratch\nCOPY f /d/\n',
  },
  {
    name: 'trap 1: a file to a path deep in nothing',
    files: tree,
    dockerfile: 'FROM scratch\nCOPY f /a/b/c\n',
  },
  {
    name: 'trap 1: a file into a folder that is there',
    files: tree,
    dockerfile: 'FROM busybox\nCOPY f /etc\nCOPY g.txt /tmp/.\n',
  },
  {
    name: 'trap 2: dir, dir/ and dir/. are one',
    files: tree,
    dockerfile: 'FROM scratch\nCOPY d /1\nCOPY d/ /2\nCOPY d/. /3\nCOPY ./d/./ /4/\n',
  },
  {
    name: 'trap 3: a new top folder has a mode of its own, an old one keeps its own',
    files: {
      d: { kind: 'folder', mode: 0o700 },
      'd/a': 'a',
      'd/s': { kind: 'folder', mode: 0o711 },
      'd/s/b': '',
    },
    dockerfile: 'FROM busybox\nRUN mkdir -m 751 /old && chown 3:4 /old\nCOPY d /new\nCOPY d /old\n',
  },
  {
    name: 'trap 4: folders below the top take the mode of the source',
    files: {
      'one/s/t/a': 'a',
      'two/s/t/b': 'b',
      'two/s': { kind: 'folder', mode: 0o711 },
      'two/s/t': { kind: 'folder', mode: 0o1777 },
    },
    dockerfile: 'FROM scratch\nCOPY one /x\nCOPY two /x\n',
  },
  {
    name: 'trap 5: --chown and --chmod reach the parents that are made',
    files: tree,
    dockerfile:
      'FROM scratch\nCOPY --chown=5:6 f /x/y/f\nCOPY --chmod=0777 f /z/y/f\nCOPY --chown=7 --chmod=711 d /w/v\n',
  },
  {
    name: 'trap 6: several sources to one path, the last wins',
    files: { a: '1', b: '22' },
    dockerfile: 'FROM scratch\nCOPY a b /x\n',
  },
  {
    name: 'trap 7: a wildcard without a match',
    files: tree,
    dockerfile: 'FROM busybox\nCOPY nope* /x/\nCOPY f nope* /y/\n',
  },
  {
    name: 'trap 7: a path that is not there',
    files: tree,
    dockerfile: 'FROM scratch\nCOPY f nope /x/\n',
    fails: true,
  },
  {
    name: 'trap 8: wildcards',
    files: {
      'a.txt': '',
      'b.txt': '',
      'c.md': '',
      'd/e.txt': '',
      'd/e/f.txt': '',
      ab: '',
      ac: '',
      'a[1]': '',
    },
    dockerfile:
      'FROM scratch\nCOPY *.txt /1/\nCOPY */*.txt /2/\nCOPY a? /3/\nCOPY a[a-b] /4/\nCOPY a[^b] /5/\nCOPY d/* /6/\nCOPY a[[]1] /7/\n',
  },
  {
    name: 'trap 8: a folder that a wildcard matches',
    files: { 'src1/a': '', 'src2/b': '', 'src2/c/d': '' },
    dockerfile: 'FROM scratch\nCOPY src* /x/\n',
  },
  {
    name: 'trap 9: .. and / stop at the context',
    files: tree,
    dockerfile: 'FROM scratch\nCOPY ../../f /1\nCOPY /g.txt /2\nCOPY d/../f /3\n',
  },
  {
    name: 'trap 9: --from paths begin at the root, whatever WORKDIR is',
    dockerfile:
      'FROM busybox AS a\nWORKDIR /etc\nRUN echo x > x\nFROM scratch\nCOPY --from=a etc/x /1\nCOPY --from=a /etc/x /2\nCOPY --from=a ../etc/group /3\n',
  },
  {
    name: 'trap 10: links at the top are followed, those below are kept',
    files: {
      'd/a': 'a',
      'd/l': { link: 'a' },
      'd/broken': { link: 'nowhere' },
      'to-file': { link: 'd/a' },
      'to-folder': { link: 'd' },
      'to-link': { link: 'to-file' },
    },
    dockerfile: 'FROM scratch\nCOPY to-file /1\nCOPY to-folder /2\nCOPY to-link /3/\nCOPY d /4\n',
  },
  {
    name: 'trap 10: links that a wildcard matches are followed',
    files: { 'd/a': 'a', l1: { link: 'd/a' }, l2: { link: 'd' } },
    dockerfile: 'FROM scratch\nCOPY l* /x/\n',
  },
  {
    name: 'trap 11: an absolute link is taken from the root of its tree',
    files: { 'd/a': 'a', abs: { link: '/d/a' }, up: { link: '../../../d/a' }, 'abs-folder': { link: '/d' } },
    dockerfile:
      'FROM busybox AS s\nRUN mkdir /d && echo s > /d/a && ln -s /d/a /abs && ln -s ../../d /up\nFROM scratch\nCOPY abs /1\nCOPY abs-folder/a /2\nCOPY --from=s /abs /3\nCOPY --from=s /up /4\n',
  },
  {
    name: 'trap 12: links in the target are followed inside the image',
    files: tree,
    dockerfile:
      'FROM busybox\nRUN mkdir -p /real/deep && ln -s /real /abs && ln -s real/deep /rel && ln -s ../../tmp /up\nCOPY f /abs/\nCOPY f /rel/\nCOPY f /up/\nCOPY d /abs/deep/\n',
  },
  {
    name: 'trap 12: a link in the target that leads nowhere yet',
    files: tree,
    dockerfile: 'FROM busybox\nRUN ln -s /not/there /abs && ln -s not/here /rel\nCOPY f /abs/\nCOPY d /rel\n',
  },
  {
    name: 'trap 13: a folder onto a file',
    files: tree,
    dockerfile: 'FROM scratch\nCOPY f /x\nCOPY d /x\n',
    fails: true,
  },
  {
    name: 'trap 13: a file onto a folder',
    files: { 'one/n/a': '', 'two/n': '' },
    dockerfile: 'FROM scratch\nCOPY one /x\nCOPY two /x\n',
    fails: true,
  },
  {
    name: 'trap 14: a link over a link, and a file over a link, in a folder that is copied',
    files: {
      'one/l': { link: 'a' },
      'one/m': { link: 'a' },
      'one/a': 'a',
      'two/l': { link: 'b' },
      'two/m': 'file',
    },
    dockerfile: 'FROM scratch\nCOPY one /x/\nCOPY two /x/\n',
  },
  {
    name: 'trap 14: a file onto a link to a file goes through the link',
    files: tree,
    dockerfile: 'FROM busybox\nRUN echo old > /real && ln -s real /link\nCOPY f /link\n',
  },
  {
    name: 'trap 15: an empty target, a dot, and slashes that variables bring',
    files: { a: '', b: '', c: '', d: '' },
    dockerfile: 'FROM scratch\nWORKDIR /w\nARG e\nARG s=x/\nCOPY a $e\nCOPY b .\nCOPY c $s\nCOPY d ./y/./\n',
  },
  {
    name: 'trap 16: the JSON form, blanks and brackets in names',
    files: { 'a b': '', 'c[1]': '', "d'e": '', 'f"g': '' },
    dockerfile: 'FROM scratch\nCOPY ["a b", "c[[]1]", "/x y/"]\nCOPY d\\\'e f\\"g /z/\n',
  },
  {
    name: 'trap 17: files of the context belong to root, those of a stage to whom they belong there',
    files: {
      f: { content: '', owner: [7, 8] },
      'd/g': { content: '', owner: [9, 10] },
      d: { kind: 'folder', owner: [11, 12] },
    },
    dockerfile:
      'FROM busybox AS s\nRUN mkdir -p /s/t && touch /s/u /s/t/v && chown -R 7:8 /s && chown 9 /s/u\nFROM busybox\nUSER app\nCOPY f d /1/\nCOPY --from=s /s /2\nCOPY --from=s --chown=3 /s /3\n',
  },
  {
    name: 'trap 18: names for --chown are those of the image',
    files: tree,
    dockerfile:
      'FROM busybox\nRUN echo "own:x:70:71::/:/bin/sh" >> /etc/passwd && echo "grp:x:72:" >> /etc/group\nCOPY --chown=own f /1\nCOPY --chown=own:grp f /2\nCOPY --chown=own:5 f /3\nCOPY --chown=5 f /4\nCOPY --chown=:grp f /5\nCOPY --chown=0:0 f /6\nCOPY --chown=root f /7\nCOPY --chown=daemon f /8\nARG o=own\nCOPY --chown=$o:grp d /9\n',
  },
  {
    name: 'trap 19: setuid, setgid and sticky bits stay, also through --chown',
    files: {
      s: { content: '', mode: 0o4755 },
      g: { content: '', mode: 0o2711 },
      'd/t': { kind: 'folder', mode: 0o1777 },
      'd/h': { kind: 'folder', mode: 0o2775 },
    },
    dockerfile: 'FROM scratch\nCOPY s g d /1/\nCOPY --chown=7:8 s g d /2/\n',
  },
  {
    name: 'trap 20: a FIFO stays one, a socket becomes a file',
    files: {
      'd/fifo': { kind: 'fifo', mode: 0o600 },
      'd/socket': { kind: 'socket', mode: 0o755 },
      'd/a': '',
    },
    dockerfile: 'FROM scratch\nCOPY d /x\n',
  },
  {
    name: 'trap 20: devices of a stage are copied',
    dockerfile:
      'FROM busybox AS s\nRUN mkdir /s && mknod /s/null c 1 3 && mknod /s/disk b 8 1 && mkfifo /s/fifo\nFROM scratch\nCOPY --from=s /s /x\n',
  },
  {
    name: 'trap 21: names of one file stay that within one COPY',
    files: { 'd/a': 'a', 'd/b': { hardlink: 'd/a' }, 'd/s/c': { hardlink: 'd/a' }, e: { hardlink: 'd/a' } },
    dockerfile: 'FROM scratch\nCOPY d /1\nCOPY d/a d/b e /2/\n',
  },
  {
    name: 'trap 21: names of one file in a stage',
    dockerfile:
      'FROM busybox AS s\nRUN mkdir -p /s/t && echo x > /s/a && ln /s/a /s/t/b && ln /s/a /c\nFROM scratch\nCOPY --from=s /s /1\n',
  },
  {
    name: 'trap 48: what another stage was set to does not come with its files',
    dockerfile:
      'FROM busybox AS s\nENV A=b\nUSER app\nLABEL l=m\nWORKDIR /w\nEXPOSE 1\nCMD ["x"]\nRUN touch f\nFROM scratch\nCOPY --from=s /w/f /f\n',
  },
  {
    name: 'trap 79: stages by number, by name in any case, and by the later one of a name',
    dockerfile:
      'FROM busybox AS One\nRUN echo 1 > /f\nFROM busybox AS two\nRUN echo 2 > /f\nFROM busybox AS one\nRUN echo 3 > /f\nFROM scratch\nCOPY --from=0 /f /0\nCOPY --from=1 /f /1\nCOPY --from=ONE /f /one\nCOPY --from=Two /f /two\n',
  },
  {
    name: 'trap 79: a stage that has the name of an image',
    dockerfile:
      'FROM busybox AS alpine\nRUN echo mine > /f\nFROM scratch\nCOPY --from=alpine /f /1\nCOPY --from=busybox /etc/group /2\n',
  },
  {
    name: 'trap 79: a stage that comes later',
    dockerfile: 'FROM scratch AS early\nCOPY --from=later /f /\nFROM busybox AS later\nFROM early\n',
    fails: true,
  },
  {
    name: 'trap 79: a number that is none of a stage above',
    dockerfile: 'FROM busybox\nFROM scratch\nCOPY --from=3 /f /\n',
    fails: true,
  },
  {
    name: 'names that are long, deep and not ASCII',
    files: {
      [`${'n'.repeat(200)}`]: '1',
      [`${'deep/'.repeat(30)}f`]: '2',
      'grüße/日本語': '3',
      l: { link: 'd'.repeat(150) },
    },
    dockerfile: 'FROM scratch\nCOPY . /x\n',
  },
  {
    name: 'times of files: before 1970, far ahead, and of folders and links',
    files: {
      'd/old': { content: '', mtime: -1000 },
      'd/new': { content: '', mtime: 7_000_000_000 },
      'd/s': { kind: 'folder', mtime: 86_400 },
      'd/l': { link: 'old', mtime: 86_401 },
    },
    dockerfile: 'FROM scratch\nCOPY d /x\n',
  },
  {
    name: 'an empty file, an empty folder and an empty context',
    files: { e: '', s: { kind: 'folder' } },
    dockerfile: 'FROM scratch\nCOPY e /\nCOPY s /s\nCOPY s /t/\n',
  },
  {
    name: 'the context as a whole, the Dockerfile with it',
    files: tree,
    dockerfile: 'FROM scratch\nCOPY . .\n',
  },
  { name: 'COPY into /', files: tree, dockerfile: 'FROM busybox\nCOPY d /\nCOPY f g.txt /\n' },
  { name: 'the same files twice', files: tree, dockerfile: 'FROM scratch\nCOPY d /x\nCOPY d /x\n' },

  {
    name: 'modes: none at all, all, and of folders without search',
    files: {
      a: { content: 'a', mode: 0 },
      b: { content: 'b', mode: 0o777 },
      'd/f': 'f',
      d: { kind: 'folder', mode: 0o600 },
    },
    dockerfile: 'FROM scratch\nCOPY a b /1/\nCOPY . /2/\n',
  },
  {
    name: 'trap 10: a chain of links and one that leads in a circle below the top',
    files: { 'd/a': 'a', l1: { link: 'l2' }, l2: { link: 'd' }, 'd/circle': { link: 'circle' } },
    dockerfile: 'FROM scratch\nCOPY l1 /x\nCOPY l1/a /y\n',
  },
  {
    name: 'trap 10: a link at the top that leads in a circle',
    files: { l: { link: 'l' } },
    dockerfile: 'FROM scratch\nCOPY l /x\n',
    fails: true,
  },
  {
    name: 'trap 10: a link at the top that leads nowhere',
    files: { l: { link: 'nowhere' } },
    dockerfile: 'FROM scratch\nCOPY l /x\n',
    fails: true,
  },
  {
    name: 'trap 12: the target is a link that leads in a circle',
    files: { f: 'f' },
    dockerfile: 'FROM busybox\nRUN ln -s l /l\nCOPY f /l/\n',
    fails: true,
  },
  {
    name: 'files whose names begin with a dash or a hash',
    files: { '-x': '1', '#y': '2', '.z': '3' },
    dockerfile: 'FROM scratch\nCOPY ./-x #y .z /d/\n',
  },
  {
    name: 'COPY of the whole of another stage',
    dockerfile: 'FROM busybox AS s\nRUN ln -s nowhere /l\nFROM scratch\nCOPY --from=s / /\n',
  },
  {
    name: 'COPY onto what a stage has, and a second time from another',
    dockerfile:
      'FROM busybox AS a\nRUN mkdir /d && echo a > /d/x && echo a > /d/y\nFROM busybox AS b\nRUN mkdir -m 700 /d && echo bb > /d/y\nFROM scratch\nCOPY --from=a /d /d\nCOPY --from=b /d /d\n',
  },
];
